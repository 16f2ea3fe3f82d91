-- Prices that tokens were booked at since an instant, the latest of each model and variant, USD per token.
SELECT p.provider AS book_provider, u.provider AS provider, u.model AS model, u.tier AS variant, p.source AS source,
  p.input_fresh AS input_fresh, p.cache_read AS cache_read, p.cache_write_short AS cache_write_short,
  p.cache_write_long AS cache_write_long, p.output AS output
FROM (
  SELECT provider, model, tier, argMax(h.price_id, (h.hour, h.attempts)) AS price_id
  FROM v_usage_hourly AS h WHERE h.side = 'api' AND h.price_id != 0 AND h.hour >= {since:DateTime('UTC')}
  GROUP BY provider, model, tier) AS u
INNER JOIN (SELECT * FROM prices FINAL WHERE tier_start = 0) AS p ON p.price_id = u.price_id
ORDER BY provider, model, variant
