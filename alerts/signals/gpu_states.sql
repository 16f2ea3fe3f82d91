-- Every GPU that is paid for now, over 28 days of hours of which something is known: since when it has been empty, or loaded without
-- requests. An hour without telemetry neither begins nor ends an episode.
SELECT pool, node, device, argMax(usd_h, hour) AS usd_hour, argMax(empty, hour) AS empty_now, argMax(loaded, hour) AS loaded_now,
  countIf(hour > occupied) AS empty_hours, countIf(hour > worked) AS quiet_hours, uniqExactIf(toMonday(hour), served) AS weeks
FROM (
  SELECT pool, node, device, hour, usd_h, empty, loaded, served, maxOrDefaultIf(hour, empty < 0.999) OVER (PARTITION BY pool, node, device) AS occupied,
    maxOrDefaultIf(hour, served OR other) OVER (PARTITION BY pool, node, device) AS worked, max(last) OVER (PARTITION BY pool, node, device) AS paid
  FROM (
    SELECT pool, node, if(slice = '', gpu, slice) AS device, hour, toFloat64(sum(usd)) AS usd_h, sum(seconds) AS whole, hour AS last,
      sumIf(seconds, state NOT IN ('unknown', 'held_unknown')) AS known, sumIf(seconds, state = 'unallocated') / greatest(known, 1) AS empty,
      sumIf(seconds, state = 'warm_idle') / greatest(known, 1) AS loaded, sumIf(seconds, state IN ('serving', 'serving_low')) > 0 AS served,
      sumIf(seconds, state IN ('busy_other', 'spare')) > 0 AS other
    FROM v_gpu_hourly
    WHERE hour >= {to:DateTime('UTC')} - toIntervalDay(28) AND hour < {to:DateTime('UTC')} AND gpu != ''
    GROUP BY pool, node, device, hour)
  WHERE known > 0.1 * whole)
GROUP BY pool, node, device HAVING max(hour) >= {to:DateTime('UTC')} - toIntervalDay(1)
ORDER BY pool, node, device
