-- The same figures for hours that a local midnight cuts in two: requests by their own instant, money by time, split so that both
-- parts add up to the hour. `split_s` is where in the hour the midnight falls.
WITH many AS (
  SELECT request_id, min((at, attempt, event_id)) AS first, minIf((at, attempt, event_id), status < 400) AS success
  FROM requests FINAL
  WHERE toStartOfHour(at) IN {around:Array(DateTime('UTC'))} AND duplicate_of = 0 AND request_id != 0
  GROUP BY request_id HAVING count() > 1)
SELECT
  toDateTime(multiIf({bucket:String} = 'hour', toStartOfHour(k.at), {bucket:String} = 'day', toStartOfDay(k.at, {zone:String}),
    {bucket:String} = 'month', toDateTime(toStartOfMonth(k.at, {zone:String}), {zone:String}), toDateTime(0, 'UTC')), 'UTC') AS bucket,
  if(has({by:Array(String)}, 'side'), k.side, '') AS side, if(has({by:Array(String)}, 'provider'), k.provider, '') AS provider,
  if(has({by:Array(String)}, 'model'), k.model, '') AS model, if(has({by:Array(String)}, 'team'), k.team, '') AS team,
  if(has({by:Array(String)}, 'environment'), k.environment, '') AS environment,
  if(has({by:Array(String)}, 'workload'), k.workload, '') AS workload,
  if(has({by:Array(String)}, 'deployment'), k.deployment, '') AS deployment,
  if(has({by:Array(String)}, 'component'), k.component, '') AS component,
  sum(k.requests) AS requests, sum(k.successful_requests) AS successful_requests, sum(k.total_input) AS total_input,
  sum(k.output) AS output, sum(k.unpriced_tokens) AS unpriced_tokens, sum(k.no_usage) AS no_usage, sum(k.attempts) AS attempts,
  sum(k.usd) AS cost
FROM (
  SELECT a.at AS at, a.side AS side, a.provider AS provider, a.model AS model, a.team AS team, a.environment AS environment,
    a.workload AS workload, a.deployment AS deployment, part.1 AS component,
    toInt64(part.3 AND a.opens) AS requests, toInt64(part.3 AND a.good) AS successful_requests, part.3 * a.total_input AS total_input,
    part.3 * a.output AS output, toInt64(part.3 * if(a.side = 'api', a.unpriced_tokens, 0)) AS unpriced_tokens,
    toInt64(part.3 AND a.usage_source = 'absent') AS no_usage, toInt64(part.3) AS attempts, toDecimal128(part.2, 12) AS usd
  FROM (
    SELECT toDateTime(p.at, 'UTC') AS at, p.side AS side, p.provider AS provider, p.model AS model, p.team AS team,
      p.environment AS environment, p.workload AS workload, p.deployment AS deployment, p.usage_source AS usage_source,
      p.unpriced_tokens AS unpriced_tokens, p.output AS output,
      p.input_fresh + p.cache_read + p.cache_write_short + p.cache_write_long + p.cache_write_other AS total_input,
      m.request_id = 0 OR m.first = (p.at, p.attempt, p.event_id) AS opens,
      p.status < 400 AND (m.request_id = 0 OR m.success = (p.at, p.attempt, p.event_id)) AS good,
      [('input_fresh', p.usd_input_fresh), ('cache_read', p.usd_cache_read), ('cache_write_short', p.usd_cache_write_short),
       ('cache_write_long', p.usd_cache_write_long), ('cache_write_other', p.usd_cache_write_other), ('output', p.usd_output),
       ('fees', p.usd_fees)] AS parts
    FROM priced_attempts AS p LEFT JOIN many AS m ON p.request_id = m.request_id
    WHERE toStartOfHour(p.at) IN {edges:Array(DateTime('UTC'))}) AS a
  ARRAY JOIN arrayConcat([('', toDecimal128(0, 12), NOT has({by:Array(String)}, 'component'))],
    if(a.side = 'api', arrayMap(x -> (if(a.good, x.1, 'retries_failed'), toDecimal128(x.2, 12), toBool(false)), a.parts), [])) AS part
  UNION ALL
  SELECT c.hour + toIntervalSecond(half * {split_s:UInt32}), c.side, c.provider, c.model, c.team, c.environment, c.workload, c.deployment,
    c.component, 0, 0, 0, 0, 0, 0, 0, if(half = 0, first, c.usd - first)
  FROM (
    SELECT *, toDecimal128(usd * {split_s:UInt32} / 3600, 12) AS first FROM v_cost_hourly
    WHERE hour IN {edges:Array(DateTime('UTC'))} AND vintage = 'booked' AND (side != 'api' OR component = 'overhead')
      AND ({basis:String} = 'allocation' OR basis = 'usage')) AS c
  ARRAY JOIN [0, 1] AS half
) AS k
WHERE k.at >= {from:DateTime('UTC')} AND k.at < {to:DateTime('UTC')}
GROUP BY bucket, side, provider, model, team, environment, workload, deployment, component
HAVING attempts != 0 OR cost != 0
