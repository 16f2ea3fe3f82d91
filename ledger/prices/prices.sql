-- Every row of the price book.
SELECT price_id, provider, model, variant, region, tier_start, valid_from, valid_to, day_from_s, day_to_s, recorded_at,
  source, flags, input_fresh, cache_read, cache_write_short, cache_write_long, cache_write_other, output, output_reasoning,
  input_audio, output_audio, input_image, output_image, n_web_search, n_file_search, request
FROM prices FINAL
ORDER BY price_id
