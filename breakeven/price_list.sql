-- Price rows of a provider and models whose name holds a text.
SELECT provider, model, variant, tier_start, valid_from, valid_to, source, input_fresh_per_mtok, cache_read_per_mtok,
  cache_write_short_per_mtok, cache_write_long_per_mtok, output_per_mtok
FROM v_prices
WHERE ({provider:String} = '' OR provider = {provider:String}) AND ({model:String} = '' OR positionCaseInsensitive(model, {model:String}) > 0)
ORDER BY provider, model, variant, valid_from, tier_start LIMIT 500
