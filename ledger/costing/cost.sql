-- Requests, tokens and money by any of the named dimensions and a bucket of a zone; what is not asked for is ''. Whole hours;
-- the hours named as edges are left to cost_edges.sql.
SELECT bucket, side, provider, model, team, environment, workload, deployment, component,
  sum(k.requests) AS requests, sum(k.successful_requests) AS successful_requests, sum(k.total_input) AS total_input,
  sum(k.output) AS output, sum(k.unpriced_tokens) AS unpriced_tokens, sum(k.no_usage) AS no_usage, sum(k.attempts) AS attempts,
  sum(k.usd) AS cost, sum(k.unknown_usd) AS unknown_cost, sum(k.reported_usd) AS reported_cost, sum(k.uncounted_tokens) AS uncounted_tokens,
  sum(k.approximate_usd) AS approximate_cost, sum(k.usage_usd) AS usage_cost,
  sum(k.own_tokens) AS own_tokens, sum(k.own_usd) AS own_cost, sum(k.declared_usd) AS declared_cost
FROM (
  SELECT
    toDateTime(multiIf({bucket:String} = 'hour', u.hour, {bucket:String} = 'day', toStartOfDay(u.hour, {zone:String}),
      {bucket:String} = 'month', toDateTime(toStartOfMonth(u.hour, {zone:String}), {zone:String}), toDateTime(0, 'UTC')), 'UTC') AS bucket,
    if(has({by:Array(String)}, 'side'), u.side, '') AS side, if(has({by:Array(String)}, 'provider'), u.provider, '') AS provider,
    if(has({by:Array(String)}, 'model'), u.model, '') AS model, if(has({by:Array(String)}, 'team'), u.team, '') AS team,
    if(has({by:Array(String)}, 'environment'), u.environment, '') AS environment,
    if(has({by:Array(String)}, 'workload'), u.workload, '') AS workload,
    if(has({by:Array(String)}, 'deployment'), u.deployment, '') AS deployment, '' AS component,
    u.requests AS requests, u.successful_requests AS successful_requests, u.total_input AS total_input, u.output AS output,
    if({vintage:String} = 'booked', u.unpriced_tokens, 0) AS unpriced_tokens, u.no_usage AS no_usage, u.attempts AS attempts, toDecimal128(0, 12) AS usd,
    toDecimal128(0, 12) AS unknown_usd, if(u.counted = 'reports' AND {vintage:String} = 'booked', u.cost, toDecimal128(0, 12)) AS reported_usd, u.uncounted_tokens AS uncounted_tokens,
    if({vintage:String} = 'booked', u.approximate_cost, toDecimal128(0, 12)) AS approximate_usd, toDecimal128(0, 12) AS usage_usd,
    if(u.side = 'self_hosted', u.total_input + u.output, 0) AS own_tokens, toDecimal128(0, 12) AS own_usd, toDecimal128(0, 12) AS declared_usd
  FROM v_usage_hourly AS u
  WHERE u.hour >= {from:DateTime('UTC')} AND u.hour < {to:DateTime('UTC')} AND u.hour NOT IN {edges:Array(DateTime('UTC'))}
    AND (empty({only_side:Array(String)}) OR has({only_side:Array(String)}, u.side)) AND (empty({only_provider:Array(String)}) OR has({only_provider:Array(String)}, u.provider))
    AND (empty({only_model:Array(String)}) OR has({only_model:Array(String)}, u.model)) AND (empty({only_team:Array(String)}) OR has({only_team:Array(String)}, u.team))
    AND (empty({only_environment:Array(String)}) OR has({only_environment:Array(String)}, u.environment)) AND (empty({only_workload:Array(String)}) OR has({only_workload:Array(String)}, u.workload))
    AND (empty({only_deployment:Array(String)}) OR has({only_deployment:Array(String)}, u.deployment)) AND {counts:Bool}
  UNION ALL
  SELECT
    toDateTime(multiIf({bucket:String} = 'hour', c.hour, {bucket:String} = 'day', toStartOfDay(c.hour, {zone:String}),
      {bucket:String} = 'month', toDateTime(toStartOfMonth(c.hour, {zone:String}), {zone:String}), toDateTime(0, 'UTC')), 'UTC'),
    if(has({by:Array(String)}, 'side'), c.side, ''), if(has({by:Array(String)}, 'provider'), c.provider, ''),
    if(has({by:Array(String)}, 'model'), c.model, ''), if(has({by:Array(String)}, 'team'), c.team, ''),
    if(has({by:Array(String)}, 'environment'), c.environment, ''),
    if(has({by:Array(String)}, 'workload'), c.workload, ''), if(has({by:Array(String)}, 'deployment'), c.deployment, ''),
    if(has({by:Array(String)}, 'component'), c.component, ''),
    0, 0, 0, 0, c.unpriced, 0, 0, c.usd, if(c.component IN ('gpu_unknown', 'gpu_held_unknown'), c.usd, toDecimal128(0, 12)), c.of_reports,
    0, c.approximate, if(c.basis = 'usage', c.usd, toDecimal128(0, 12)),
    0, if(c.side = 'self_hosted', c.usd, toDecimal128(0, 12)), if(c.component IN ('overhead', 'commitment_unused'), c.usd, toDecimal128(0, 12))
  FROM (
    SELECT hour, side, provider, model, team, environment, workload, deployment, component, basis, usd, 0 AS unpriced,
      toDecimal128(0, 12) AS of_reports, toDecimal128(0, 12) AS approximate
    FROM v_cost_hourly WHERE vintage = 'booked' AND {vintage:String} = 'booked'
    UNION ALL
    SELECT hour, side, provider, model, team, environment, workload, deployment, component, basis, usd, unpriced_tokens,
      if(counted = 'reports', usd, toDecimal128(0, 12)), usd_approximate
    FROM v_cost_vintages WHERE vintage = {vintage:String}) AS c
  WHERE c.hour >= {from:DateTime('UTC')} AND c.hour < {to:DateTime('UTC')} AND c.hour NOT IN {edges:Array(DateTime('UTC'))}
    AND (empty({only_side:Array(String)}) OR has({only_side:Array(String)}, c.side)) AND (empty({only_provider:Array(String)}) OR has({only_provider:Array(String)}, c.provider))
    AND (empty({only_model:Array(String)}) OR has({only_model:Array(String)}, c.model)) AND (empty({only_team:Array(String)}) OR has({only_team:Array(String)}, c.team))
    AND (empty({only_environment:Array(String)}) OR has({only_environment:Array(String)}, c.environment)) AND (empty({only_workload:Array(String)}) OR has({only_workload:Array(String)}, c.workload))
    AND (empty({only_deployment:Array(String)}) OR has({only_deployment:Array(String)}, c.deployment))
    AND (empty({only_component:Array(String)}) OR has({only_component:Array(String)}, c.component))
    AND ({basis:String} = 'allocation' OR c.basis = 'usage') AND (c.component != 'unpriced' OR {counts:Bool})
) AS k
GROUP BY bucket, side, provider, model, team, environment, workload, deployment, component
ORDER BY bucket, cost DESC, side, provider, model, team, environment, workload, deployment, component
