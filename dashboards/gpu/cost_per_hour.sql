-- Money of the GPUs per hour over 24 closed hours, and over the 24 hours before.
SELECT pair.1 AS time, pair.2 AS value FROM (
  SELECT
    toFloat64(sumOrNullIf(usd, NOT (hour >= toStartOfHour({to:DateTime}, 'UTC') - toIntervalHour(24)))) / 24 AS before,
    toFloat64(sumOrNullIf(usd, hour >= toStartOfHour({to:DateTime}, 'UTC') - toIntervalHour(24))) / 24 AS within
  FROM v_gpu_hourly
  WHERE hour >= toStartOfHour({to:DateTime}, 'UTC') - toIntervalHour(48) AND hour < toStartOfHour({to:DateTime}, 'UTC') AND {from:DateTime} < {to:DateTime}
    AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)}) AND (empty({node:Array(String)}) OR node IN {node:Array(String)}))
ARRAY JOIN [({from:DateTime}, before), ({to:DateTime}, within)] AS pair
ORDER BY time
