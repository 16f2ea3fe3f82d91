-- Lines of our own request log, parsed, checked and priced inside the engine. Only what is beyond doubt is taken here:
-- every other line is named by its checksum and read by the parser in Python, which knows the reason for a refusal.

CREATE TABLE IF NOT EXISTS slow_lines (
  segment String COMMENT 'Which insert it came with',
  crc UInt32 COMMENT 'CRC32 of the line: the line itself is not kept',
  ver UInt64 COMMENT 'Order of loading, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (segment, crc)
TTL toDateTime(intDiv(ver, 1000000000)) + INTERVAL 1 DAY
COMMENT 'Lines that are read by the parser in Python';

CREATE TABLE IF NOT EXISTS places (
  declared String COMMENT 'Hash of the declarations',
  side String COMMENT 'api or self_hosted',
  provider String COMMENT 'Who bills',
  model String COMMENT 'Model as billed',
  api_key String COMMENT 'Name of the API key',
  team_told String COMMENT 'Team as the line told it',
  environment String COMMENT 'Environment',
  workload_told String COMMENT 'Workload as the line told it',
  deployment_told String COMMENT 'Deployment as the line told it',
  workload String COMMENT 'Workload by the declared rules',
  team String COMMENT 'Team as told, or the workload''s',
  deployment String COMMENT 'Deployment of the model',
  key UInt64 MATERIALIZED cityHash64(declared, side, provider, model, api_key, team_told, environment, workload_told, deployment_told) COMMENT 'What place_of looks up',
  ver UInt64 COMMENT 'Order of writing, nanoseconds'
) ENGINE = ReplacingMergeTree(ver)
ORDER BY (declared, side, provider, model, api_key, team_told, environment, workload_told, deployment_told)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Where requests belong, decided once per distinct set of names';

CREATE OR REPLACE DICTIONARY place_of (key UInt64, workload String, team String, deployment String)
PRIMARY KEY key SOURCE(CLICKHOUSE(HOST '127.0.0.1' TABLE 'places')) LAYOUT(HASHED()) LIFETIME(0);

CREATE TABLE IF NOT EXISTS land_lines (line String) ENGINE = Null COMMENT 'Door of lines of our own request log';

CREATE TABLE IF NOT EXISTS land_read (
  slow Bool, crc UInt32, at DateTime64(3, 'UTC'), side String, provider String, model String, deployment String, workload String, team String,
  environment String, key String, identity String, request_key String, attempt UInt8, attempt_told Int64,
  input_fresh Int64, cache_read Int64, cache_write_short Int64, cache_write_long Int64, cache_write_other Int64, output Int64, unexplained Int64,
  output_reasoning Nullable(Int64), n_web_search Nullable(Int64), n_file_search Nullable(Int64), tier String, processing String, region String,
  status UInt16, ttft_ms Nullable(UInt32), latency_ms Nullable(UInt32), usage_source String, cost_reported Nullable(Decimal(18, 12))
) ENGINE = Null COMMENT 'Lines as they were read, before they are placed';

CREATE MATERIALIZED VIEW IF NOT EXISTS land_lines_to_read TO land_read AS
WITH
  multiSearchAllPositions(x.line, [
    '"ts"', '"provider"', '"model"', '"request_id"', '"logical_id"', '"side"', '"deployment"', '"workload"', '"team"', '"environment"', '"key"',
    '"region"', '"service_tier"', '"tier"', '"processing"', '"usage_source"', '"status"', '"attempt"', '"input_fresh"', '"cache_read"',
    '"cache_write_short"', '"cache_write_long"', '"cache_write_other"', '"output"', '"output_reasoning"', '"unexplained"', '"n_web_search"',
    '"n_file_search"', '"latency_ms"', '"ttft_ms"', '"cost_reported_usd"']) AS found,
  x.j AS j,
  [isNotNull(j.1), isNotNull(j.2), isNotNull(j.3), isNotNull(j.4), isNotNull(j.5), isNotNull(j.6), isNotNull(j.7), isNotNull(j.8), isNotNull(j.9),
   isNotNull(j.10), isNotNull(j.11), isNotNull(j.12), isNotNull(j.13), isNotNull(j.14), isNotNull(j.15), isNotNull(j.16), isNotNull(j.17),
   isNotNull(j.18), isNotNull(j.19), isNotNull(j.20), isNotNull(j.21), isNotNull(j.22), isNotNull(j.23), isNotNull(j.24), isNotNull(j.25),
   isNotNull(j.26), isNotNull(j.27), isNotNull(j.28), isNotNull(j.29), isNotNull(j.30), isNotNull(j.31)] AS told,
  [ifNull(j.18, 0), ifNull(j.19, 0), ifNull(j.20, 0), ifNull(j.21, 0), ifNull(j.22, 0), ifNull(j.23, 0), ifNull(j.24, 0), ifNull(j.25, 0),
   ifNull(j.26, 0), ifNull(j.27, 0), ifNull(j.28, 0)] AS counts,
  parseDateTime64BestEffortOrNull(ifNull(j.1, ''), 3, 'UTC') AS instant,
  ifNull(j.4, '') AS id,
  ifNull(j.6, '') AS side_,
  [ifNull(j.2, ''), ifNull(j.3, ''), id, ifNull(j.5, ''), ifNull(j.7, ''), ifNull(j.8, ''), ifNull(j.9, ''), ifNull(j.10, ''), ifNull(j.11, ''),
   ifNull(j.12, ''), ifNull(j.13, ''), ifNull(j.14, ''), ifNull(j.15, '')] AS names,
  lowerUTF8(ifNull(nullIf(ifNull(j.13, ''), ''), ifNull(j.14, ''))) AS word,
  multiIf(ifNull(j.17, '') = '', 200, match(ifNull(j.17, ''), '^[1-5][0-9][0-9]$'), toInt32OrZero(ifNull(j.17, '')), 0) AS http,
  isNull(j.19) AND isNull(j.20) AND isNull(j.21) AND isNull(j.22) AND isNull(j.23) AND isNull(j.24) AS absent,
  -- beyond doubt: one flat object of ASCII without escapes (so no control characters either), every key that is there was read, names and counts as the checks in Python want them
  isValidASCII(x.line) AND isValidJSON(x.line) AND countSubstrings(x.line, '{') = 1
    AND NOT multiSearchAny(x.line, ['\\', '\x7f', '[', ':true', ': true', ':false', ': false', '"spend"', '"litellm_call_id"', '"custom_id"',
      '"tokens_in"', '"eval_count"', '"schemaType"', '"input"', '"input_tokens"', '"prompt_tokens"', '"total_tokens"', '"tokens"'])
    AND found[1] > 0 AND found[2] > 0 AND found[3] > 0
    AND NOT arrayExists((p, t) -> p > 0 AND NOT t, found, told)
    AND (toUInt64(JSONLength(x.line)) = arrayCount(p -> p > 0, found)
      OR length(arrayDistinct(JSONExtractKeys(x.line))) = JSONLength(x.line))
    AND match(ifNull(j.1, ''), '^[0-9]{4}-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-][01][0-9]:[0-5][0-9])$')
    AND isNotNull(instant) AND instant >= toDateTime64('2015-01-01 00:00:00', 3, 'UTC')
    AND instant <= fromUnixTimestamp64Nano(toInt64OrZero(getSetting('log_comment')) + 600000000000, 'UTC')
    AND id != '' AND names[1] != '' AND names[2] != ''
    AND NOT arrayExists(n -> length(n) > 256 OR trimBoth(n) != n, names)
    AND side_ IN ('', 'api', 'self_hosted')
    AND NOT arrayExists(n -> n < 0 OR n > 1000000000 OR floor(n) != n, counts)
    AND ifNull(j.25, 0) <= ifNull(j.24, 0)
    AND http > 0
    AND ifNull(j.16, 'provider') IN ('provider', 'estimated', 'absent')
    AND ifNull(j.29, 0) >= 0 AND ifNull(j.29, 0) < 4294967295 AND ifNull(j.30, 0) >= 0 AND ifNull(j.30, 0) < 4294967295
    AND ifNull(j.31, toDecimal64(0, 12)) >= 0 AND ifNull(j.31, toDecimal64(0, 12)) < 900000 AS sure
SELECT
  NOT sure AS slow, if(sure, 0, CRC32(x.line)) AS crc, ifNull(instant, toDateTime64('2015-01-01 00:00:00', 3, 'UTC')) AS at,
  if(side_ = '', 'api', side_) AS side, lower(names[1]) AS provider, names[2] AS model, names[5] AS deployment,
  if(names[6] = '', 'unassigned', names[6]) AS workload, names[7] AS team, names[8] AS environment, names[9] AS key,
  id AS identity, if(names[4] = '', id, names[4]) AS request_key,
  toUInt8(least(255, if(counts[1] = 0, 1, counts[1]))) AS attempt, toInt64(if(counts[1] = 0, 1, counts[1])) AS attempt_told,
  toInt64(counts[2]) AS input_fresh, toInt64(counts[3]) AS cache_read, toInt64(counts[4]) AS cache_write_short,
  toInt64(counts[5]) AS cache_write_long, toInt64(counts[6]) AS cache_write_other, toInt64(counts[7]) AS output,
  toInt64(counts[9]) AS unexplained, if(isNull(j.25), NULL, toInt64(counts[8])) AS output_reasoning,
  if(isNull(j.27), NULL, toInt64(counts[10])) AS n_web_search, if(isNull(j.28), NULL, toInt64(counts[11])) AS n_file_search,
  multiIf(word IN ('', 'default', 'auto', 'on_demand', 'batch'), 'standard', word) AS tier,
  if(names[13] = '', 'online', names[13]) AS processing, names[10] AS region, toUInt16(greatest(http, 0)) AS status,
  if(isNull(j.30), NULL, toUInt32(round(assumeNotNull(j.30)))) AS ttft_ms,
  if(isNull(j.29), NULL, toUInt32(round(assumeNotNull(j.29)))) AS latency_ms,
  ifNull(j.16, if(absent, 'absent', 'provider')) AS usage_source, j.31 AS cost_reported
FROM (
  SELECT line, JSONExtract(line, 'Tuple(ts Nullable(String), provider Nullable(String), model Nullable(String), request_id Nullable(String), logical_id Nullable(String), side Nullable(String), deployment Nullable(String), workload Nullable(String), team Nullable(String), environment Nullable(String), key Nullable(String), region Nullable(String), service_tier Nullable(String), tier Nullable(String), processing Nullable(String), usage_source Nullable(String), status Nullable(String), attempt Nullable(Float64), input_fresh Nullable(Float64), cache_read Nullable(Float64), cache_write_short Nullable(Float64), cache_write_long Nullable(Float64), cache_write_other Nullable(Float64), output Nullable(Float64), output_reasoning Nullable(Float64), unexplained Nullable(Float64), n_web_search Nullable(Float64), n_file_search Nullable(Float64), latency_ms Nullable(Float64), ttft_ms Nullable(Float64), cost_reported_usd Nullable(Decimal(18, 12)))') AS j
  FROM land_lines) AS x;

CREATE MATERIALIZED VIEW IF NOT EXISTS land_read_to_rows TO land_rows AS
WITH
  splitByChar(':', getSetting('insert_deduplication_token')) AS token,
  cityHash64(token[1], r.side, r.provider, r.model, r.key, r.team, r.environment, r.workload, r.deployment) AS place,
  dictGetOrDefault('place_of', ('workload', 'team', 'deployment'), place, (r.workload, r.team, r.deployment)) AS p
SELECT r.at AS at,
  concat(if(lengthUTF8(r.identity) >= 20, 'id', concat('requests_log|', '')), '|', r.provider, '|', r.identity, '|', toString(r.attempt_told)) AS event_key,
  r.side AS side, 'requests_log' AS source, r.provider AS provider, r.model AS model, p.3 AS deployment, p.1 AS workload, p.2 AS team,
  r.environment AS environment, r.key AS key, r.request_key AS request_key, r.attempt AS attempt, toUInt64(0) AS duplicate_of,
  toUInt64(0) AS event_id, toUInt64(0) AS request_id,
  r.input_fresh AS input_fresh, r.cache_read AS cache_read, r.cache_write_short AS cache_write_short, r.cache_write_long AS cache_write_long,
  r.cache_write_other AS cache_write_other, r.output AS output, r.unexplained AS unexplained, r.output_reasoning AS output_reasoning,
  CAST(NULL, 'Nullable(Int64)') AS input_audio, CAST(NULL, 'Nullable(Int64)') AS output_audio, CAST(NULL, 'Nullable(Int64)') AS input_image,
  CAST(NULL, 'Nullable(Int64)') AS output_image, r.n_web_search AS n_web_search, r.n_file_search AS n_file_search,
  r.tier AS tier, r.processing AS processing, r.region AS region, r.status AS status, r.ttft_ms AS ttft_ms, r.latency_ms AS latency_ms,
  r.usage_source AS usage_source, toUInt8(0) AS approximate, r.cost_reported AS cost_reported
FROM land_read AS r WHERE NOT r.slow;

CREATE MATERIALIZED VIEW IF NOT EXISTS land_read_to_slow TO slow_lines AS
SELECT getSetting('insert_deduplication_token') AS segment, r.crc AS crc, toUInt64OrZero(getSetting('log_comment')) AS ver
FROM land_read AS r WHERE r.slow;
