-- Requests of a team's ninety days through the door: 8 models, 60 workloads, 12 teams, 300 keys, 2.5 % errors; numbered from {first}.
INSERT INTO land_rows
WITH
  {first:UInt64} + number AS n,
  sipHash64(n) AS h,
  ['gpt-4o-mini', 'gpt-4o', 'gpt-4.1', 'gpt-4.1-mini', 'o3-mini', 'gpt-4.1-nano', 'o3', 'o4-mini'] AS models,
  toDateTime64({start:DateTime('UTC')}, 3, 'UTC') + toIntervalMillisecond(toUInt64(number * {span_ms:UInt64} / {count:UInt64})) AS instant
SELECT instant AS at, concat('id|openai|chatcmpl-', leftPad(toString(n), 26, '0'), '|1') AS event_key, 'api' AS side, 'bench' AS source,
  'openai' AS provider, models[1 + intDiv(h, 4096) % 8] AS model, '' AS deployment, concat('w', toString(h % 60)) AS workload,
  concat('t', toString(h % 12)) AS team, 'prod' AS environment, concat('k', toString(h % 300)) AS key,
  concat('r', toString(n)) AS request_key, 1 AS attempt, 0 AS duplicate_of, 0 AS event_id, 0 AS request_id,
  h % 5000 AS input_fresh, intDiv(h, 7) % 900 AS cache_read, 0 AS cache_write_short, 0 AS cache_write_long, 0 AS cache_write_other,
  intDiv(h, 11) % 900 AS output, 0 AS unexplained, NULL AS output_reasoning, NULL AS input_audio, NULL AS output_audio, NULL AS input_image,
  NULL AS output_image, NULL AS n_web_search, NULL AS n_file_search, 'standard' AS tier, 'online' AS processing, '' AS region,
  if(h % 40 = 0, 429, 200) AS status, intDiv(h, 13) % 900 AS ttft_ms, intDiv(h, 17) % 9000 AS latency_ms, 'provider' AS usage_source,
  0 AS approximate, NULL AS cost_reported
FROM numbers({count:UInt64})
