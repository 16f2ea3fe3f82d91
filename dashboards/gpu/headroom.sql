-- Requests a second that the GPUs could take beyond those of 24 closed hours, at the same mix, up to 80 % of what was measured: only
-- serving and loaded GPUs of deployments with a known capacity count.
SELECT {to:DateTime} AS time, if(count() > 0, sum(greatest(0, rate * (0.8 * held / used - 1))), NULL) AS value
FROM (
  SELECT g.deployment AS deployment, g.used AS used, g.held AS held, ifNull(u.requests, 0) / 86400 AS rate
  FROM (
    SELECT deployment, sumIf(used_s, state IN ('serving', 'serving_low')) AS used, sumIf(seconds, state IN ('serving', 'serving_low', 'warm_idle')) AS held
    FROM v_gpu_hourly
    WHERE hour >= toStartOfHour({to:DateTime}, 'UTC') - toIntervalHour(24) AND hour < toStartOfHour({to:DateTime}, 'UTC') AND {from:DateTime} < {to:DateTime} AND deployment IN (
        SELECT name FROM deployments GROUP BY name HAVING argMax(s_per_uncached > 0 OR s_per_output > 0, (recorded_at, ver))) AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)})
      AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
    GROUP BY deployment) AS g
  LEFT JOIN (
    SELECT deployment, sum(requests) AS requests FROM v_usage_hourly
    WHERE side = 'self_hosted' AND hour >= toStartOfHour({to:DateTime}, 'UTC') - toIntervalHour(24) AND hour < toStartOfHour({to:DateTime}, 'UTC')
    GROUP BY deployment) AS u ON u.deployment = g.deployment
  WHERE g.used > 0)
