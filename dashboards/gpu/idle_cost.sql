-- Unused capacity of 24 closed hours and of the 24 before: headroom, loaded and empty GPUs, unknown where nothing at all is known.
SELECT pair.1 AS time, pair.2 AS value FROM (
  SELECT
    if(sumIf(usd, NOT late AND known) > 0, sumOrNullIf(usd, NOT late AND idle), NULL) AS before,
    if(sumIf(usd, late AND known) > 0, sumOrNullIf(usd, late AND idle), NULL) AS within
  FROM (
    SELECT usd, hour >= toStartOfHour({to:DateTime}, 'UTC') - toIntervalHour(24) AS late, component IN ('gpu_headroom', 'gpu_warm_idle', 'gpu_unallocated') AS idle,
      component NOT IN ('gpu_unknown', 'gpu_held_unknown', 'overhead', 'node_others') AS known
    FROM v_cost_hourly
    WHERE side = 'self_hosted' AND vintage = 'booked' AND hour >= toStartOfHour({to:DateTime}, 'UTC') - toIntervalHour(48) AND hour < toStartOfHour({to:DateTime}, 'UTC') AND {from:DateTime} < {to:DateTime}
      AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)})))
ARRAY JOIN [({from:DateTime}, before), ({to:DateTime}, within)] AS pair
ORDER BY time
