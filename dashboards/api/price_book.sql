-- Prices in force of the models used in the range, USD per million tokens, and since when: none where they always were.
SELECT p.provider AS provider, p.model AS model, p.variant AS variant, p.tier_start AS above, p.input_fresh_per_mtok AS input, p.cache_read_per_mtok AS cache_read,
  p.cache_write_short_per_mtok AS cache_write, p.output_per_mtok AS output, nullIf(p.valid_from, toDateTime('2000-01-01 00:00:00', 'UTC')) AS since, p.source AS source
FROM v_prices AS p
WHERE p.valid_from < {to:DateTime} AND p.valid_to > {to:DateTime} AND p.price_id IN (
  SELECT price_id FROM v_usage_hourly
  WHERE side = 'api' AND price_id != 0 AND hour >= {from:DateTime} AND hour < {to:DateTime}
    AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}) AND (empty({provider:Array(String)}) OR provider IN {provider:Array(String)}) AND (empty({model:Array(String)}) OR model IN {model:Array(String)}))
ORDER BY provider, model, variant, above LIMIT 200
