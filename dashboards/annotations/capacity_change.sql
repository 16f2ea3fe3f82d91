-- Hours in which a pool began or ceased to pay for GPUs, as far as its first hour lies before the range.
SELECT toDateTime(moment, 'UTC') AS time, concat(pool, ': GPU ', gpu, if(joined, ' joined', ' left')) AS text
FROM (
  SELECT pool, gpu, min(hour) AS first, max(hour) AS last FROM v_gpu_hourly
  WHERE gpu != '' AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)})
  GROUP BY pool, gpu) AS g
INNER JOIN (SELECT pool, min(hour) AS begun, max(hour) AS until FROM v_gpu_hourly WHERE gpu != '' GROUP BY pool) AS p ON p.pool = g.pool
ARRAY JOIN [true, false] AS joined, [g.first, g.last + toIntervalHour(1)] AS moment
WHERE moment >= {from:DateTime} AND moment < {to:DateTime} AND if(joined, g.first > p.begun, g.last < p.until)
ORDER BY time, text LIMIT 200
