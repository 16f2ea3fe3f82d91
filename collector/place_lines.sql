-- Send an insert's rows through the door again, placed and priced by what is known now; their identity is kept.
INSERT INTO land_rows
WITH dictGetOrDefault('place_of', ('workload', 'team', 'deployment'),
  cityHash64({declared:String}, toString(r.side), toString(r.provider), toString(r.model), toString(r.key), toString(r.team),
    toString(r.environment), toString(r.workload), toString(r.deployment)),
  (toString(r.workload), toString(r.team), toString(r.deployment))) AS p
SELECT r.at AS at, r.event_key AS event_key, r.side AS side, r.source AS source, r.provider AS provider, r.model AS model,
  p.3 AS deployment, p.1 AS workload, p.2 AS team, r.environment AS environment, r.key AS key, '' AS request_key, r.attempt AS attempt,
  r.duplicate_of AS duplicate_of, r.event_id AS event_id, r.request_id AS request_id, r.input_fresh AS input_fresh, r.cache_read AS cache_read,
  r.cache_write_short AS cache_write_short, r.cache_write_long AS cache_write_long, r.cache_write_other AS cache_write_other,
  r.output AS output, r.unexplained AS unexplained, r.output_reasoning AS output_reasoning, r.input_audio AS input_audio,
  r.output_audio AS output_audio, r.input_image AS input_image, r.output_image AS output_image, r.n_web_search AS n_web_search,
  r.n_file_search AS n_file_search, r.tier AS tier, r.processing AS processing, r.region AS region, r.status AS status,
  r.ttft_ms AS ttft_ms, r.latency_ms AS latency_ms, toString(r.usage_source) AS usage_source, r.approximate AS approximate,
  r.cost_reported AS cost_reported
FROM requests AS r FINAL
WHERE r.ver = {then:UInt64}
