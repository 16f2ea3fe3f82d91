-- Model servers of the last five minutes: waiting requests against ten a replica, and the KV cache against 95 %.
SELECT pool, model, sum(queue) AS waiting, max(kv) AS kv_used, greatest(sum(queue) / (10 * count()), ifNull(max(kv), 0) / 0.95) AS level FROM (
  SELECT pool, model, replica, ifNull(avg(e.waiting), 0) AS queue, avg(e.kv_used) AS kv FROM v_engine_samples AS e
  WHERE up = 1 AND toStartOfHour(at) >= toStartOfHour({to:DateTime('UTC')} - toIntervalMinute(5)) AND at > {to:DateTime('UTC')} - toIntervalMinute(5) AND at <= {to:DateTime('UTC')} GROUP BY pool, model, replica)
GROUP BY pool, model ORDER BY pool, model
