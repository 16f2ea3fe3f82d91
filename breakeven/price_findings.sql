-- Prices in use since an instant that break the order which prices have: a shifted decimal or a mixed-up class shows here.
SELECT DISTINCT p.provider AS provider, p.model AS model, p.variant AS variant, p.source AS source, finding
FROM v_prices AS p
LEFT JOIN (
  SELECT provider, model, region, tier_start, valid_from, valid_to, input_fresh_per_mtok, output_per_mtok FROM v_prices WHERE variant = 'standard'
) AS s ON s.provider = p.provider AND s.model = p.model AND s.region = p.region AND s.tier_start = p.tier_start
ARRAY JOIN arrayFilter(x -> x != '', [
  if(p.cache_read_per_mtok > p.input_fresh_per_mtok, 'reading from the cache is dearer than input', ''),
  if(p.cache_write_short_per_mtok < p.input_fresh_per_mtok, 'writing to the cache is cheaper than input', ''),
  if(p.cache_write_long_per_mtok < p.cache_write_short_per_mtok, 'a long life in the cache is cheaper than a short one', ''),
  if(p.output_per_mtok > 0 AND p.input_fresh_per_mtok > p.output_per_mtok, 'input is dearer than output', ''),
  if(p.variant = 'batch' AND s.valid_from <= p.valid_from AND s.valid_to >= p.valid_from
    AND (p.input_fresh_per_mtok > s.input_fresh_per_mtok OR p.output_per_mtok > s.output_per_mtok), 'batch is dearer than standard', '')]) AS finding
WHERE p.price_id IN (SELECT price_id FROM v_usage_hourly WHERE hour >= {since:DateTime('UTC')} AND side = 'api')
ORDER BY provider, model, variant, finding
