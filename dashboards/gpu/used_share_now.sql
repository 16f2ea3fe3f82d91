-- Share of the GPU time of 24 closed hours that measured work filled, unknown time in the whole, and of the 24 hours before.
SELECT pair.1 AS time, pair.2 AS value FROM (
  SELECT
    sumIf(used_s, NOT (hour >= toStartOfHour({to:DateTime}, 'UTC') - toIntervalHour(24)) AND state IN ('serving', 'serving_low')) / nullIf(sumIf(seconds, NOT (hour >= toStartOfHour({to:DateTime}, 'UTC') - toIntervalHour(24))), 0) AS before,
    sumIf(used_s, hour >= toStartOfHour({to:DateTime}, 'UTC') - toIntervalHour(24) AND state IN ('serving', 'serving_low')) / nullIf(sumIf(seconds, hour >= toStartOfHour({to:DateTime}, 'UTC') - toIntervalHour(24)), 0) AS within
  FROM v_gpu_hourly
  WHERE hour >= toStartOfHour({to:DateTime}, 'UTC') - toIntervalHour(48) AND hour < toStartOfHour({to:DateTime}, 'UTC') AND {from:DateTime} < {to:DateTime}
    AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)}) AND (empty({node:Array(String)}) OR node IN {node:Array(String)}))
ARRAY JOIN [({from:DateTime}, before), ({to:DateTime}, within)] AS pair
ORDER BY time
