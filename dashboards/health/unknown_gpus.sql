-- GPUs that report and that no pool pays for, of the last 24 hours of the range.
SELECT s.node AS node, s.gpu AS gpu, s.pool AS named_pool, s.readings AS readings, s.last AS last
FROM (
  SELECT node, gpu, any(pool) AS pool, count() AS readings, toDateTime(max(at), 'UTC') AS last FROM gpu_samples
  WHERE toStartOfHour(at) >= toStartOfHour({to:DateTime} - toIntervalDay(1), 'UTC') AND at >= {to:DateTime} - toIntervalDay(1) AND at < {to:DateTime} AND {from:DateTime} < {to:DateTime} AND gpu != '' AND slice = ''
  GROUP BY node, gpu) AS s
WHERE s.gpu NOT IN (SELECT gpu FROM v_gpu_hourly WHERE hour >= {to:DateTime} - toIntervalDay(2) AND hour < {to:DateTime})
ORDER BY node, gpu LIMIT 200
