-- What the GPUs of each pool did and cost in a span: by GPU or MIG instance, with the last hour in which work was measured
-- on it. Headroom is told where a capacity says what the GPU could do; unused money is headroom, loaded and empty time.
SELECT g.pool AS pool, g.gpu AS gpu, g.slice AS slice, max(g.node) AS node, max(g.deployment) AS deployment,
  sum(g.usd) AS cost,
  sumIf(g.used_s, g.state IN ('serving', 'serving_low')) AS used_s, sum(g.seconds) AS seconds,
  sumIf(g.seconds - g.used_s, g.state IN ('serving', 'serving_low') AND g.deployment IN {measured:Array(String)}) AS headroom_s,
  sumIf(g.seconds, g.state IN ('unknown', 'held_unknown')) AS unknown_s, sumIf(g.seconds, g.state = 'warm_idle') AS warm_idle_s,
  sumIf(g.seconds, g.state = 'unallocated') AS unallocated_s, sumIf(g.seconds, g.state IN ('serving', 'serving_low')) AS serving_s,
  sumIf(g.seconds, g.state = 'busy_other') AS busy_other_s,
  toDecimal128(sumIf(toFloat64(g.usd) * if(g.state IN ('warm_idle', 'unallocated'), 1, (g.seconds - g.used_s) / g.seconds),
    g.state IN ('warm_idle', 'unallocated') OR g.state IN ('serving', 'serving_low') AND g.deployment IN {measured:Array(String)}), 6) AS unused,
  maxOrNullIf(g.hour, g.state IN ('serving', 'serving_low', 'busy_other')) AS last_busy,
  argMax(g.state, (g.hour, g.seconds)) AS state_now
FROM v_gpu_hourly AS g
WHERE g.hour >= {from:DateTime('UTC')} AND g.hour < {to:DateTime('UTC')}
GROUP BY pool, gpu, slice ORDER BY pool, gpu, slice
