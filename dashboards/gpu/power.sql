-- Watts of all GPUs in the last hour of the range that has readings, and a day before: the sum of each GPU's mean.
SELECT pair.1 AS time, pair.2 AS value FROM (
  SELECT sumOrNull(before) AS before, sumOrNull(within) AS within FROM (
    SELECT gpu, avgOrNullIf(power_w, at < {to:DateTime} - toIntervalDay(1)) AS before, avgOrNullIf(power_w, at >= {to:DateTime} - toIntervalHour(1)) AS within
    FROM gpu_samples FINAL
    WHERE toStartOfHour(at) >= toStartOfHour({to:DateTime} - toIntervalHour(25), 'UTC') AND at < {to:DateTime} AND {from:DateTime} < {to:DateTime} AND slice = ''
      AND (at >= {to:DateTime} - toIntervalHour(1) OR (at >= {to:DateTime} - toIntervalHour(25) AND at < {to:DateTime} - toIntervalDay(1)))
      AND (empty({pool:Array(String)}) OR gpu IN (SELECT gpu FROM v_gpu_hourly WHERE pool IN {pool:Array(String)}))
      AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
    GROUP BY gpu))
ARRAY JOIN [({from:DateTime}, before), ({to:DateTime}, within)] AS pair
ORDER BY time
