-- GPUs that were heard of in the last closed hour.
SELECT {to:DateTime} AS time, toFloat64(uniqExactIf(gpu, state != 'unknown')) AS value
FROM v_gpu_hourly
WHERE hour = toStartOfHour({to:DateTime}, 'UTC') - toIntervalHour(1) AND {from:DateTime} < {to:DateTime}
  AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)}) AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
HAVING count() > 0
