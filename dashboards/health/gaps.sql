-- Each source by bucket since its first fact in the range: 1 it brought facts, 2 it brought none while it usually does (more than
-- half of its buckets), 3 none where that is usual. Of requests and readings, buckets of an hour and more read the hourly counts.
WITH f AS (
  SELECT source, toStartOfInterval(at, toIntervalSecond({bucket:UInt32})) AS time, sum(facts) AS n
  FROM (
    SELECT source, hour AS at, attempts AS facts FROM v_arrivals_hourly WHERE {bucket:UInt32} >= 3600 AND hour >= {from:DateTime} AND hour < {to:DateTime}
    UNION ALL
    SELECT source, hour AS at, readings AS facts FROM v_gpu_readings_hourly WHERE {bucket:UInt32} >= 3600 AND hour >= {from:DateTime} AND hour < {to:DateTime}
    UNION ALL
    SELECT source, at, 1 AS facts FROM v_facts WHERE ({bucket:UInt32} < 3600 OR kind NOT IN ('requests', 'gpu_samples')) AND at >= {from:DateTime} AND at < {to:DateTime})
  GROUP BY source, time)
SELECT b.time AS time, s.source AS lane, multiIf(f.n > 0, 1, s.told * 2 > s.possible, 2, 3) AS value
FROM (
  SELECT toStartOfInterval(toDateTime(arrayJoin(range(toUInt32({from:DateTime}), toUInt32({to:DateTime}), {bucket:UInt32})), 'UTC'), toIntervalSecond({bucket:UInt32})) AS time) AS b
CROSS JOIN (
  SELECT source, min(time) AS first, count() AS told, intDiv(dateDiff('second', first, {to:DateTime}), {bucket:UInt32}) + 1 AS possible
  FROM f GROUP BY source) AS s
LEFT JOIN f ON f.source = s.source AND f.time = b.time
WHERE b.time >= s.first
ORDER BY time, lane
