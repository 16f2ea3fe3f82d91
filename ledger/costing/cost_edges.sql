-- The same figures for hours that a local midnight cuts in two: requests by their own instant, other money by time, split so that both
-- parts add up to the hour. `split_s` is where in the hour the midnight falls.
WITH {vintage:String} = 'booked' AS booked, many AS (
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
  sum(k.usd) AS cost, sum(k.reported_usd) AS reported_cost, sum(k.uncounted_tokens) AS uncounted_tokens, sum(k.approximate_usd) AS approximate_cost, sum(k.usage_usd) AS usage_cost,
  sum(k.own_tokens) AS own_tokens, sum(k.own_usd) AS own_cost,
  sum(k.unknown_usd) AS unknown_cost, sum(k.declared_usd) AS declared_cost
FROM (
  SELECT a.at AS at, a.side AS side, a.provider AS provider, a.model AS model, a.team AS team, a.environment AS environment,
    a.workload AS workload, a.deployment AS deployment, part.1 AS component,
    toInt64(part.3 AND a.opens) AS requests, toInt64(part.3 AND a.good) AS successful_requests, part.3 * a.total_input AS total_input,
    part.3 * a.output AS output, toInt64(part.3 * if(a.side = 'api' AND booked, a.unpriced_tokens, 0)) AS unpriced_tokens,
    toInt64(part.3 AND a.usage_source = 'absent') AS no_usage, toInt64(part.3) AS attempts,
    if(booked, toDecimal128(part.2, 12), toDecimal128(0, 12)) AS usd,
    toDecimal128(0, 12) AS reported_usd, toInt64(0) AS uncounted_tokens,
    if(part.3 AND booked AND (a.approximate != 0 OR a.usage_source = 'estimated'), toDecimal128(ifNull(a.cost, toDecimal64(0, 12)), 12), toDecimal128(0, 12)) AS approximate_usd, usd AS usage_usd,
    toInt64(if(a.side = 'self_hosted' AND part.3, a.total_input + a.output, 0)) AS own_tokens, toDecimal128(0, 12) AS own_usd,
    toDecimal128(0, 12) AS unknown_usd, toDecimal128(0, 12) AS declared_usd
  FROM (
    SELECT toDateTime(p.at, 'UTC') AS at, p.side AS side, p.provider AS provider, p.model AS model, p.team AS team,
      p.environment AS environment, p.workload AS workload, p.deployment AS deployment, p.usage_source AS usage_source,
      p.unpriced_tokens AS unpriced_tokens, p.output AS output, p.approximate AS approximate, p.cost AS cost,
      p.input_fresh + p.cache_read + p.cache_write_short + p.cache_write_long + p.cache_write_other AS total_input,
      m.request_id = 0 OR m.first = (p.at, p.attempt, p.event_id) AS opens,
      p.status < 400 AND (m.request_id = 0 OR m.success = (p.at, p.attempt, p.event_id)) AS good,
      [('input_fresh', p.usd_input_fresh), ('cache_read', p.usd_cache_read), ('cache_write_short', p.usd_cache_write_short),
       ('cache_write_long', p.usd_cache_write_long), ('cache_write_other', p.usd_cache_write_other), ('output', p.usd_output),
       ('fees', p.usd_fees)] AS parts
    FROM counted_attempts AS p LEFT JOIN many AS m ON p.request_id = m.request_id
    WHERE toStartOfHour(p.at) IN {edges:Array(DateTime('UTC'))}) AS a
  ARRAY JOIN arrayConcat([('', toDecimal128(0, 12), {counts:Bool})],
    if(a.side = 'api', arrayMap(x -> (if(a.good, x.1, 'retries_failed'), toDecimal128(x.2, 12), toBool(false)), a.parts), [])) AS part
  UNION ALL
  SELECT c.hour + toIntervalSecond(half * {split_s:UInt32}), c.side, c.provider, c.model, c.team, c.environment, c.workload, c.deployment,
    if(c.component = 'unpriced', '', c.component), 0, 0, 0, 0, if(half = 0, first_tokens, c.unpriced - first_tokens), 0, 0,
    if(half = 0, first, c.usd - first) AS part_usd,
    if(half = 0, first_reported, c.of_reports - first_reported), 0, if(half = 0, first_approximate, c.approximate - first_approximate),
    if(c.basis = 'usage', part_usd, toDecimal128(0, 12)), 0, if(c.side = 'self_hosted', part_usd, toDecimal128(0, 12)),
    if(c.component IN ('gpu_unknown', 'gpu_held_unknown'), part_usd, toDecimal128(0, 12)),
    if(c.component IN ('overhead', 'commitment_unused'), part_usd, toDecimal128(0, 12))
  FROM (
    SELECT *, toDecimal128(usd * {split_s:UInt32} / 3600, 12) AS first, toDecimal128(of_reports * {split_s:UInt32} / 3600, 12) AS first_reported,
      toDecimal128(approximate * {split_s:UInt32} / 3600, 12) AS first_approximate, intDiv(unpriced * {split_s:UInt32}, 3600) AS first_tokens
    FROM (
      SELECT hour, side, provider, model, team, environment, workload, deployment, component, basis, usd, toInt64(0) AS unpriced,
        toDecimal128(0, 12) AS of_reports, toDecimal128(0, 12) AS approximate
      FROM v_cost_hourly
      WHERE vintage = 'booked' AND {vintage:String} = 'booked' AND (side != 'api' OR component IN ('overhead', 'commitment_unused'))
      UNION ALL -- another vintage knows no instants: its money is split by time
      SELECT hour, side, provider, model, team, environment, workload, deployment, component, basis, usd, unpriced_tokens,
        if(counted = 'reports', usd, toDecimal128(0, 12)), usd_approximate
      FROM v_cost_vintages WHERE vintage = {vintage:String})
    WHERE hour IN {edges:Array(DateTime('UTC'))} AND (component != 'unpriced' OR {counts:Bool})
      AND ({basis:String} = 'allocation' OR basis = 'usage')) AS c
  ARRAY JOIN [0, 1] AS half
  UNION ALL -- what only the provider tells, by time, in whole tokens and requests
  SELECT r.hour + toIntervalSecond(half * {split_s:UInt32}), 'api', r.provider, r.model, r.team, '', r.workload, r.deployment,
    part.1, counts[1], counts[1], counts[2], counts[3], if(booked, counts[4], 0), 0, counts[1],
    if(NOT booked, toDecimal128(0, 12), if(half = 0, part.3, toDecimal128(part.2, 12) - part.3)) AS money,
    if(part.4 AND booked, if(half = 0, r.first, r.cost - r.first), toDecimal128(0, 12)) AS reported,
    if(isNull(r.n_requests), counts[2] + counts[3], 0), if(r.approximate, reported, toDecimal128(0, 12)), money, 0, toDecimal128(0, 12),
    toDecimal128(0, 12), toDecimal128(0, 12)
  FROM (
    SELECT *, toDecimal128(cost * {split_s:UInt32} / 3600, 12) AS first
    FROM counted_reports WHERE hour IN {edges:Array(DateTime('UTC'))}) AS r
  ARRAY JOIN [0, 1] AS half
  ARRAY JOIN arrayMap(x -> (x.1, x.2, toDecimal128(x.2 * {split_s:UInt32} / 3600, 12), x.3), arrayConcat(
    [('', toDecimal128(0, 12), {counts:Bool})],
    [('input_fresh', r.usd_input_fresh, toBool(false)), ('cache_read', r.usd_cache_read, toBool(false)),
     ('cache_write_short', r.usd_cache_write_short, toBool(false)), ('cache_write_long', r.usd_cache_write_long, toBool(false)),
     ('cache_write_other', r.usd_cache_write_other, toBool(false)), ('output', r.usd_output, toBool(false)),
     ('fees', r.usd_fees, toBool(false))])) AS part
  ARRAY JOIN [arrayMap(n -> toInt64(part.4) * if(half = 0, intDiv(n * {split_s:UInt32}, 3600), n - intDiv(n * {split_s:UInt32}, 3600)),
    [toInt64(ifNull(r.n_requests, 0)), r.total_input, r.output, r.unpriced_tokens])] AS counts
) AS k
WHERE k.at >= {from:DateTime('UTC')} AND k.at < {to:DateTime('UTC')}
  AND (empty({only_side:Array(String)}) OR has({only_side:Array(String)}, k.side)) AND (empty({only_provider:Array(String)}) OR has({only_provider:Array(String)}, k.provider))
  AND (empty({only_model:Array(String)}) OR has({only_model:Array(String)}, k.model)) AND (empty({only_team:Array(String)}) OR has({only_team:Array(String)}, k.team))
    AND (empty({only_environment:Array(String)}) OR has({only_environment:Array(String)}, k.environment)) AND (empty({only_workload:Array(String)}) OR has({only_workload:Array(String)}, k.workload))
    AND (empty({only_deployment:Array(String)}) OR has({only_deployment:Array(String)}, k.deployment))
    AND (empty({only_component:Array(String)}) OR has({only_component:Array(String)}, k.component))
GROUP BY bucket, side, provider, model, team, environment, workload, deployment, component
HAVING attempts != 0 OR cost != 0
