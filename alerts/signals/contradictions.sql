-- GPUs whose device says that nothing ran in an hour in which their deployment served requests, hours of the last 24.
SELECT s.node AS node, s.gpu AS gpu, count() AS hours FROM (
  SELECT node, gpu, toStartOfHour(at) AS hour FROM gpu_samples
  WHERE toStartOfHour(at) >= toStartOfHour({to:DateTime('UTC')} - toIntervalDay(1)) AND at >= {to:DateTime('UTC')} - toIntervalDay(1) AND at < {to:DateTime('UTC')} AND slice = '' GROUP BY node, gpu, hour HAVING max(util) = 0 AND count() >= 10) AS s
INNER JOIN (
  SELECT gpu, hour FROM v_gpu_hourly WHERE hour >= {to:DateTime('UTC')} - toIntervalDay(1) AND hour < {to:DateTime('UTC')}
  GROUP BY gpu, hour HAVING sumIf(used_s, state IN ('serving', 'serving_low')) > 60) AS g ON g.gpu = s.gpu AND g.hour = s.hour
GROUP BY node, gpu ORDER BY node, gpu
