-- What each group did in a period: requests, priced tokens and their money by class, all money; whole hours.
-- Tokens are those of all attempts at the list price of each: what costs beside them (tool fees, audio, images) is the rest.
SELECT if(has({by:Array(String)}, 'side'), u.side, '') AS side, if(has({by:Array(String)}, 'provider'), u.provider, '') AS provider,
  if(has({by:Array(String)}, 'model'), u.model, '') AS model, if(has({by:Array(String)}, 'team'), u.team, '') AS team,
  if(has({by:Array(String)}, 'environment'), u.environment, '') AS environment,
  if(has({by:Array(String)}, 'workload'), u.workload, '') AS workload,
  if(has({by:Array(String)}, 'deployment'), u.deployment, '') AS deployment,
  u.side AS of_side, u.uncounted_tokens > 0 AS uncounted,
  sum(u.requests) AS requests, sum(u.total_input + u.output) AS tokens, sum(u.unpriced_tokens) AS unpriced_tokens, sum(u.cost) AS usd,
  sumIf(u.input_fresh, isNotNull(p.1)) AS input_fresh, sumIf(u.cache_read, isNotNull(p.2)) AS cache_read,
  sumIf(u.cache_write_short, isNotNull(p.3)) AS cache_write_short, sumIf(u.cache_write_long, isNotNull(p.4)) AS cache_write_long,
  sumIf(u.cache_write_other, isNotNull(p.5)) AS cache_write_other, sumIf(u.output, isNotNull(p.6)) AS output,
  sum(u.input_fresh * ifNull(toDecimal128(p.1, 12), nothing)) AS usd_input_fresh,
  sum(u.cache_read * ifNull(toDecimal128(p.2, 12), nothing)) AS usd_cache_read,
  sum(u.cache_write_short * ifNull(toDecimal128(p.3, 12), nothing)) AS usd_cache_write_short,
  sum(u.cache_write_long * ifNull(toDecimal128(p.4, 12), nothing)) AS usd_cache_write_long,
  sum(u.cache_write_other * ifNull(toDecimal128(p.5, 12), nothing)) AS usd_cache_write_other,
  sum(u.output * ifNull(toDecimal128(p.6, 12), nothing)) AS usd_output
FROM (
  SELECT *, toDecimal128(0, 12) AS nothing,
    dictGet('price_of', ('input_fresh', 'cache_read', 'cache_write_short', 'cache_write_long', 'cache_write_other', 'output'),
      toUInt64(price_id)) AS p
  FROM v_usage_hourly WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')}) AS u
GROUP BY side, provider, model, team, environment, workload, deployment, of_side, uncounted
ORDER BY side, provider, model, team, environment, workload, deployment, of_side, uncounted
