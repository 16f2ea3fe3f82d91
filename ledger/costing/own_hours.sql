-- Stored money of pools and overheads in some hours, to be set to zero where a recompute no longer has the key.
SELECT hour, side, provider, model, deployment, pool, workload, team, environment, component, basis, vintage
FROM cost_hourly FINAL
WHERE hour IN {hours:Array(DateTime('UTC'))} AND (side = 'self_hosted' OR component = 'overhead') AND usd != 0
