-- Models in use whose standard price changed in the last 24 hours, and about what that does to 30 days at the volume of the last 28,
-- unknown where a class in use has no price.
SELECT n.provider AS provider, n.model AS model,
  (if(u.fresh = 0, 0, u.fresh * (n.input - o.input)) + if(u.read = 0, 0, u.read * (n.read - o.read)) + if(u.out = 0, 0, u.out * (n.output - o.output))) / 1e6 * 30 / 28 AS effect
FROM (
  SELECT provider, model, argMax(toFloat64(input_fresh_per_mtok), valid_from) AS input, argMax(toFloat64(cache_read_per_mtok), valid_from) AS read,
    argMax(toFloat64(output_per_mtok), valid_from) AS output, max(valid_from) AS since
  FROM v_prices WHERE variant = 'standard' AND region = '' AND tier_start = 0 AND valid_from <= {to:DateTime('UTC')} AND valid_from > {to:DateTime('UTC')} - toIntervalDay(1)
  GROUP BY provider, model) AS n
INNER JOIN (
  SELECT provider, model, argMax(toFloat64(input_fresh_per_mtok), valid_from) AS input, argMax(toFloat64(cache_read_per_mtok), valid_from) AS read,
    argMax(toFloat64(output_per_mtok), valid_from) AS output
  FROM v_prices WHERE variant = 'standard' AND region = '' AND tier_start = 0 AND valid_from <= {to:DateTime('UTC')} - toIntervalDay(1)
  GROUP BY provider, model) AS o ON o.provider = n.provider AND o.model = n.model
INNER JOIN (
  SELECT provider, model, toFloat64(sum(total_input - cache_read)) AS fresh, toFloat64(sum(cache_read)) AS read, toFloat64(sum(output)) AS out FROM v_usage_hourly
  WHERE side = 'api' AND hour > {to:DateTime('UTC')} - toIntervalDay(28) AND hour <= {to:DateTime('UTC')} GROUP BY provider, model) AS u
  ON u.provider = n.provider AND u.model = n.model
WHERE (n.input, n.read, n.output) != (o.input, o.read, o.output)
ORDER BY provider, model
