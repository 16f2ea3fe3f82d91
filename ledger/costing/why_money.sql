-- Money of a period that tokens do not make: GPUs by pool and owner, overheads, unused commitments; booked, whole hours.
SELECT if(has({by:Array(String)}, 'side'), c.side, '') AS side, if(has({by:Array(String)}, 'provider'), c.provider, '') AS provider,
  if(has({by:Array(String)}, 'model'), c.model, '') AS model, if(has({by:Array(String)}, 'team'), c.team, '') AS team,
  if(has({by:Array(String)}, 'environment'), c.environment, '') AS environment,
  if(has({by:Array(String)}, 'workload'), c.workload, '') AS workload,
  if(has({by:Array(String)}, 'deployment'), c.deployment, '') AS deployment,
  c.pool AS pool, c.component AS component, if(c.component IN ('overhead', 'commitment_unused'), c.provider, '') AS line, sum(c.usd) AS usd
FROM v_cost_hourly AS c
WHERE c.hour >= {from:DateTime('UTC')} AND c.hour < {to:DateTime('UTC')} AND c.vintage = 'booked'
  AND (c.side = 'self_hosted' OR c.component IN ('overhead', 'commitment_unused'))
GROUP BY side, provider, model, team, environment, workload, deployment, pool, component, line
ORDER BY side, provider, model, team, environment, workload, deployment, pool, component, line
