-- Prices of models in use that changed: every later price of a model, from when it held.
SELECT toDateTime(p.valid_from, 'UTC') AS time, concat(p.provider, ' ', p.model, ': USD per 1M tokens, input ', ifNull(toString(p.input_fresh_per_mtok), 'unknown'), ', output ', ifNull(toString(p.output_per_mtok), 'unknown')) AS text
FROM v_prices AS p
INNER JOIN (
  SELECT provider, model, variant, tier_start, min(valid_from) AS first FROM v_prices GROUP BY provider, model, variant, tier_start) AS f
  ON f.provider = p.provider AND f.model = p.model AND f.variant = p.variant AND f.tier_start = p.tier_start
WHERE p.valid_from >= {from:DateTime} AND p.valid_from < {to:DateTime} AND p.valid_from > f.first AND p.tier_start = 0
  AND (p.provider, p.model) IN (SELECT provider, model FROM v_usage_hourly WHERE side = 'api' AND hour >= {from:DateTime} AND hour < {to:DateTime})
ORDER BY time, text LIMIT 200
