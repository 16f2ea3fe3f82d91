-- Every GPU and MIG instance over the last 24 closed hours and 7 days: what it does now, what it cost, what of it was unused and why.
WITH
  toStartOfHour({to:DateTime}, 'UTC') AS end,
  (SELECT groupArray(name) FROM (
    SELECT name, argMax(s_per_uncached > 0 OR s_per_output > 0, (recorded_at, ver)) AS known FROM deployments GROUP BY name)
    WHERE known) AS measured
SELECT pool, device, anyLast(deployment) AS deployment, any(kind) AS paid, sumIf(toFloat64(usd), hour = last_hour) AS per_hour, argMax(state, (hour, seconds)) AS now,
  sumIf(toFloat64(usd), late) AS cost_24h, sumIf(unused, late) AS unused_24h, sum(unused) / 7 AS unused_per_day_7d,
  sumIf(used_s, late) / nullIf(sumIf(seconds, late AND state NOT IN ('unknown', 'held_unknown')), 0) AS used,
  topKWeightedIf(1)(state, toUInt64(seconds), late AND state NOT IN ('serving', 'serving_low'))[1] AS mostly,
  maxOrNullIf(hour, state IN ('serving', 'serving_low', 'busy_other')) AS last_work
FROM (
  SELECT pool, r.kind AS kind, max(hour) OVER (PARTITION BY pool, gpu, slice) AS last_hour, if(slice = '', gpu, slice) AS device, deployment, state, hour, seconds, used_s, usd, hour >= end - toIntervalHour(24) AS late,
    multiIf(state IN ('warm_idle', 'unallocated'), toFloat64(usd), state IN ('serving', 'serving_low') AND has(measured, deployment),
      toFloat64(usd) * (seconds - used_s) / seconds, 0) AS unused
  FROM v_gpu_hourly AS g
  LEFT JOIN (SELECT pool, argMax(kind, (valid_from, ver)) AS kind FROM gpu_rates WHERE valid_from < {to:DateTime} GROUP BY pool) AS r ON r.pool = g.pool
  WHERE hour >= end - toIntervalDay(7) AND hour < end AND {to:DateTime} > {from:DateTime}
    AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)}) AND (empty({node:Array(String)}) OR node IN {node:Array(String)}))
GROUP BY pool, device ORDER BY unused_per_day_7d DESC, pool, device LIMIT 200
