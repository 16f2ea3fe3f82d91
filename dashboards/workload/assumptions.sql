-- What the verdict assumes: declared figures, rates, prices and grades, and since when they stand.
SELECT what, value, source, since FROM (
  SELECT 1 AS place, 'Tokenizer ratio of other models' AS what, toString(argMax(token_ratio, recorded_at)) AS value, 'configuration' AS source,
    toNullable(toDateTime(max(recorded_at), 'UTC')) AS since
  FROM workloads WHERE name = {workload:String} HAVING count() > 0
  UNION ALL
  SELECT 2, concat('Capacity of ', d.name), concat('grade ', if(d.grade = '', 'none', d.grade), ', replica-seconds per 1M tokens: input ', toString(round(d.input, 3)), ', cached ', toString(round(d.cached, 3)), ', output ', toString(round(d.output, 3))),
    if(d.grade = 'A', 'load test or configuration', 'configuration'), toNullable(d.since)
  FROM (
    SELECT name, argMax(side, (recorded_at, ver)) AS side, argMax(grade, (recorded_at, ver)) AS grade, 1e6 * argMax(s_per_uncached, (recorded_at, ver)) AS input,
      1e6 * argMax(s_per_cached, (recorded_at, ver)) AS cached, 1e6 * argMax(s_per_output, (recorded_at, ver)) AS output, toDateTime(max(recorded_at), 'UTC') AS since
    FROM deployments GROUP BY name) AS d
  WHERE d.side = 'self_hosted' AND has((SELECT argMax(deployments, recorded_at) FROM workloads WHERE name = {workload:String}), d.name)
  UNION ALL
  SELECT 3, concat('GPU-hour in ', r.pool), concat(toString(r.usd_per_gpu_hour), ' USD, ', r.kind), 'configuration', nullIf(toDateTime(r.valid_from, 'UTC'), toDateTime('2000-01-01 00:00:00', 'UTC'))
  FROM gpu_rates AS r FINAL
  WHERE r.valid_from < {to:DateTime} AND r.valid_to > {to:DateTime} AND r.pool IN (
    SELECT argMax(pool, (recorded_at, ver)) FROM deployments GROUP BY name
    HAVING has((SELECT argMax(deployments, recorded_at) FROM workloads WHERE name = {workload:String}), name))
  UNION ALL
  SELECT 4, concat('Price of ', p.provider, ' ', p.model, if(p.tier_start = 0, '', concat(' above ', toString(p.tier_start)))),
    concat('USD per 1M: input ', ifNull(toString(p.input_fresh_per_mtok), 'none'), ', cache read ', ifNull(toString(p.cache_read_per_mtok), 'none'), ', output ', ifNull(toString(p.output_per_mtok), 'none')),
    p.source, nullIf(toDateTime(p.valid_from, 'UTC'), toDateTime('2000-01-01 00:00:00', 'UTC'))
  FROM v_prices AS p
  WHERE p.valid_from <= {to:DateTime} AND p.valid_to > {to:DateTime} AND p.variant = 'standard' AND p.region = '' AND (p.provider, p.model) IN (
    SELECT argMax(provider, (recorded_at, ver)), argMax(model, (recorded_at, ver)) FROM deployments GROUP BY name
    HAVING argMax(side, (recorded_at, ver)) = 'api' AND has((SELECT argMax(deployments, recorded_at) FROM workloads WHERE name = {workload:String}), name))
  UNION ALL
  SELECT 5, 'Share of replies that escalate', toString(JSONExtractFloat(argMax(details, at), 'facts', 'escalation')), 'configuration', NULL
  FROM v_verdicts WHERE workload = {workload:String} AND at < {to:DateTime} + toIntervalHour(1) HAVING count() > 0)
WHERE {from:DateTime} < {to:DateTime}
ORDER BY place, what LIMIT 200
