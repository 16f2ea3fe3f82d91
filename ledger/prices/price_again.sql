-- Send attempts without a price through the door again, with their identity kept: only unknown money becomes known.
INSERT INTO land_rows
SELECT at, event_key, side, source, provider, model, deployment, workload, team, environment, key, '' AS request_key,
  attempt, duplicate_of, event_id, request_id, input_fresh, cache_read, cache_write_short, cache_write_long,
  cache_write_other, output, unexplained, output_reasoning, input_audio, output_audio, input_image, output_image,
  n_web_search, n_file_search, tier, processing, region, status, ttft_ms, latency_ms, toString(usage_source) AS usage_source,
  approximate, cost_reported
FROM requests FINAL
WHERE side = 'api' AND price_id = 0
