-- Lines of an export that tokens do not make: GPUs by pool, owner and component, overheads, unused commitments, by UTC day; hours with money.
SELECT toStartOfDay(hour, 'UTC') AS day, side, provider, model, deployment, pool, workload, team, environment, component, sum(usd) AS usd,
  count(DISTINCT hour) AS hours
FROM v_cost_hourly
WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')} AND vintage = 'booked'
  AND (side = 'self_hosted' OR component IN ('overhead', 'commitment_unused'))
GROUP BY day, side, provider, model, deployment, pool, workload, team, environment, component
HAVING usd != 0
ORDER BY day, side, provider, model, deployment, pool, workload, team, environment, component
