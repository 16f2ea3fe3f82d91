-- Rebuild whole hours of work_10s from requests.
INSERT INTO work_10s
SELECT k.slot, k.workload, k.deployment, k.side, sum(k.n), sum(k.uncached), sum(k.cached), sum(k.output), sum(k.kv2), {ver:UInt64}
FROM (
  SELECT toStartOfInterval(toDateTime(r.at, 'UTC'), INTERVAL 10 SECOND) AS slot, r.workload AS workload, r.deployment AS deployment,
    r.side AS side, toInt64(count()) AS n,
    sum(r.input_fresh + r.cache_write_short + r.cache_write_long + r.cache_write_other) AS uncached, sum(r.cache_read) AS cached,
    sum(r.output) AS output,
    sum(2 * (r.input_fresh + r.cache_read + r.cache_write_short + r.cache_write_long + r.cache_write_other) * r.output
      + r.output * r.output) AS kv2
  FROM requests AS r FINAL
  WHERE toStartOfHour(r.at) IN {hours:Array(DateTime('UTC'))} AND r.duplicate_of = 0
    AND r.input_fresh + r.cache_read + r.cache_write_short + r.cache_write_long + r.cache_write_other + r.output > 0
  GROUP BY slot, workload, deployment, side
  UNION ALL
  SELECT w.at, w.workload, w.deployment, w.side, 0, 0, 0, 0, 0
  FROM work_10s AS w FINAL WHERE toStartOfHour(w.at) IN {hours:Array(DateTime('UTC'))} AND w.n != 0
) AS k
GROUP BY k.slot, k.workload, k.deployment, k.side
