-- Lines of our own request log are parsed once: a line whose keys are all known and read is not looked at key by key.

ALTER TABLE land_lines_to_read MODIFY QUERY
WITH
  x.j AS j,
  isNotNull(j.1) + isNotNull(j.2) + isNotNull(j.3) + isNotNull(j.4) + isNotNull(j.5) + isNotNull(j.6) + isNotNull(j.7) + isNotNull(j.8)
    + isNotNull(j.9) + isNotNull(j.10) + isNotNull(j.11) + isNotNull(j.12) + isNotNull(j.13) + isNotNull(j.14) + isNotNull(j.15) + isNotNull(j.16)
    + isNotNull(j.17) + isNotNull(j.18) + isNotNull(j.19) + isNotNull(j.20) + isNotNull(j.21) + isNotNull(j.22) + isNotNull(j.23) + isNotNull(j.24)
    + isNotNull(j.25) + isNotNull(j.26) + isNotNull(j.27) + isNotNull(j.28) + isNotNull(j.29) + isNotNull(j.30) + isNotNull(j.31) AS keys_read,
  toUInt64(JSONLength(x.line)) AS keys,
  keys = keys_read AS plain,  -- every key is known, told something that could be read, and stands there once
  if(plain, '', x.line) AS odd,
  arrayCount(p -> p > 0, multiSearchAllPositions(odd, [
    '"ts"', '"provider"', '"model"', '"request_id"', '"logical_id"', '"side"', '"deployment"', '"workload"', '"team"', '"environment"', '"key"',
    '"region"', '"service_tier"', '"tier"', '"processing"', '"usage_source"', '"status"', '"attempt"', '"input_fresh"', '"cache_read"',
    '"cache_write_short"', '"cache_write_long"', '"cache_write_other"', '"output"', '"output_reasoning"', '"unexplained"', '"n_web_search"',
    '"n_file_search"', '"latency_ms"', '"ttft_ms"', '"cost_reported_usd"'])) AS keys_known,
  parseDateTime64BestEffortOrNull(ifNull(j.1, ''), 3, 'UTC') AS instant,
  ifNull(j.4, '') AS id,
  ifNull(j.6, '') AS side_,
  lower(ifNull(nullIf(ifNull(j.13, ''), ''), ifNull(j.14, ''))) AS word,
  ifNull(j.17, '') AS told_status,
  multiIf(told_status = '', 200, length(told_status) = 3 AND toUInt16OrZero(told_status) BETWEEN 100 AND 599, toUInt16OrZero(told_status), 0) AS http,
  isNull(j.19) AND isNull(j.20) AND isNull(j.21) AND isNull(j.22) AND isNull(j.23) AND isNull(j.24) AS absent,
  -- beyond doubt: one flat object of ASCII without escapes (so no control characters either), names and counts as the checks in Python want them
  isValidASCII(x.line) AND countSubstrings(x.line, '{') = 1
    AND NOT multiSearchAny(x.line, ['\\', '\x7f', '[', ':true', ': true', ':false', ': false'])
    AND (plain OR (keys_known = keys_read
      AND NOT multiSearchAny(odd, ['"spend"', '"litellm_call_id"', '"custom_id"', '"tokens_in"', '"eval_count"', '"schemaType"', '"input"',
        '"input_tokens"', '"prompt_tokens"', '"total_tokens"', '"tokens"'])
      AND length(arrayDistinct(JSONExtractKeys(odd))) = keys))
    AND isNotNull(j.1) AND ifNull(j.2, '') != '' AND ifNull(j.3, '') != '' AND id != ''
    AND match(ifNull(j.1, ''), '^[0-9]{4}-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-][01][0-9]:[0-5][0-9])$')
    AND isNotNull(instant) AND instant >= toDateTime64('2015-01-01 00:00:00', 3, 'UTC')
    AND instant <= fromUnixTimestamp64Nano(toInt64OrZero(getSetting('log_comment')) + 600000000000, 'UTC')
    AND NOT (ifNull(length(j.2) > 256 OR startsWith(j.2, ' ') OR endsWith(j.2, ' '), 0)
      OR ifNull(length(j.3) > 256 OR startsWith(j.3, ' ') OR endsWith(j.3, ' '), 0)
      OR ifNull(length(j.4) > 256 OR startsWith(j.4, ' ') OR endsWith(j.4, ' '), 0)
      OR ifNull(length(j.5) > 256 OR startsWith(j.5, ' ') OR endsWith(j.5, ' '), 0)
      OR ifNull(length(j.7) > 256 OR startsWith(j.7, ' ') OR endsWith(j.7, ' '), 0)
      OR ifNull(length(j.8) > 256 OR startsWith(j.8, ' ') OR endsWith(j.8, ' '), 0)
      OR ifNull(length(j.9) > 256 OR startsWith(j.9, ' ') OR endsWith(j.9, ' '), 0)
      OR ifNull(length(j.10) > 256 OR startsWith(j.10, ' ') OR endsWith(j.10, ' '), 0)
      OR ifNull(length(j.11) > 256 OR startsWith(j.11, ' ') OR endsWith(j.11, ' '), 0)
      OR ifNull(length(j.12) > 256 OR startsWith(j.12, ' ') OR endsWith(j.12, ' '), 0)
      OR ifNull(length(j.13) > 256 OR startsWith(j.13, ' ') OR endsWith(j.13, ' '), 0)
      OR ifNull(length(j.14) > 256 OR startsWith(j.14, ' ') OR endsWith(j.14, ' '), 0)
      OR ifNull(length(j.15) > 256 OR startsWith(j.15, ' ') OR endsWith(j.15, ' '), 0))
    AND side_ IN ('', 'api', 'self_hosted')
    AND NOT (ifNull(j.18 < 0 OR j.18 > 1000000000 OR floor(j.18) != j.18, 0)
      OR ifNull(j.19 < 0 OR j.19 > 1000000000 OR floor(j.19) != j.19, 0)
      OR ifNull(j.20 < 0 OR j.20 > 1000000000 OR floor(j.20) != j.20, 0)
      OR ifNull(j.21 < 0 OR j.21 > 1000000000 OR floor(j.21) != j.21, 0)
      OR ifNull(j.22 < 0 OR j.22 > 1000000000 OR floor(j.22) != j.22, 0)
      OR ifNull(j.23 < 0 OR j.23 > 1000000000 OR floor(j.23) != j.23, 0)
      OR ifNull(j.24 < 0 OR j.24 > 1000000000 OR floor(j.24) != j.24, 0)
      OR ifNull(j.25 < 0 OR j.25 > 1000000000 OR floor(j.25) != j.25, 0)
      OR ifNull(j.26 < 0 OR j.26 > 1000000000 OR floor(j.26) != j.26, 0)
      OR ifNull(j.27 < 0 OR j.27 > 1000000000 OR floor(j.27) != j.27, 0)
      OR ifNull(j.28 < 0 OR j.28 > 1000000000 OR floor(j.28) != j.28, 0))
    AND ifNull(j.25, 0) <= ifNull(j.24, 0)
    AND http > 0
    AND ifNull(j.16, 'provider') IN ('provider', 'estimated', 'absent')
    AND ifNull(j.29, 0) >= 0 AND ifNull(j.29, 0) < 4294967295 AND ifNull(j.30, 0) >= 0 AND ifNull(j.30, 0) < 4294967295
    AND ifNull(j.31, toDecimal64(0, 12)) >= 0 AND ifNull(j.31, toDecimal64(0, 12)) < 900000 AS sure
SELECT
  NOT sure AS slow, if(sure, 0, CRC32(x.line)) AS crc, ifNull(instant, toDateTime64('2015-01-01 00:00:00', 3, 'UTC')) AS at,
  if(side_ = '', 'api', side_) AS side, lower(ifNull(j.2, '')) AS provider, ifNull(j.3, '') AS model, ifNull(j.7, '') AS deployment,
  if(ifNull(j.8, '') = '', 'unassigned', ifNull(j.8, '')) AS workload, ifNull(j.9, '') AS team, ifNull(j.10, '') AS environment,
  ifNull(j.11, '') AS key, id AS identity, if(ifNull(j.5, '') = '', id, ifNull(j.5, '')) AS request_key,
  toUInt8(least(255, if(ifNull(j.18, 0) = 0, 1, ifNull(j.18, 0)))) AS attempt, toInt64(if(ifNull(j.18, 0) = 0, 1, ifNull(j.18, 0))) AS attempt_told,
  toInt64(ifNull(j.19, 0)) AS input_fresh, toInt64(ifNull(j.20, 0)) AS cache_read, toInt64(ifNull(j.21, 0)) AS cache_write_short,
  toInt64(ifNull(j.22, 0)) AS cache_write_long, toInt64(ifNull(j.23, 0)) AS cache_write_other, toInt64(ifNull(j.24, 0)) AS output,
  toInt64(ifNull(j.26, 0)) AS unexplained, if(isNull(j.25), NULL, toInt64(ifNull(j.25, 0))) AS output_reasoning,
  if(isNull(j.27), NULL, toInt64(ifNull(j.27, 0))) AS n_web_search, if(isNull(j.28), NULL, toInt64(ifNull(j.28, 0))) AS n_file_search,
  multiIf(word IN ('', 'default', 'auto', 'on_demand', 'batch'), 'standard', word) AS tier,
  if(ifNull(j.15, '') = '', 'online', ifNull(j.15, '')) AS processing, ifNull(j.12, '') AS region, toUInt16(http) AS status,
  if(isNull(j.30), NULL, toUInt32(round(assumeNotNull(j.30)))) AS ttft_ms,
  if(isNull(j.29), NULL, toUInt32(round(assumeNotNull(j.29)))) AS latency_ms,
  ifNull(j.16, if(absent, 'absent', 'provider')) AS usage_source, j.31 AS cost_reported
FROM (
  SELECT line, JSONExtract(line, 'Tuple(ts Nullable(String), provider Nullable(String), model Nullable(String), request_id Nullable(String), logical_id Nullable(String), side Nullable(String), deployment Nullable(String), workload Nullable(String), team Nullable(String), environment Nullable(String), key Nullable(String), region Nullable(String), service_tier Nullable(String), tier Nullable(String), processing Nullable(String), usage_source Nullable(String), status Nullable(String), attempt Nullable(Float64), input_fresh Nullable(Float64), cache_read Nullable(Float64), cache_write_short Nullable(Float64), cache_write_long Nullable(Float64), cache_write_other Nullable(Float64), output Nullable(Float64), output_reasoning Nullable(Float64), unexplained Nullable(Float64), n_web_search Nullable(Float64), n_file_search Nullable(Float64), latency_ms Nullable(Float64), ttft_ms Nullable(Float64), cost_reported_usd Nullable(Decimal(18, 12)))') AS j
  FROM land_lines) AS x;
