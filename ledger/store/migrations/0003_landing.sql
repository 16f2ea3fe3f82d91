-- Landing: every request enters through land_rows, and only the view behind it makes event_id, rank and cost.
-- event_id and request_id are 0 from a source and are given only when stored rows are priced again.
-- The view maps row to row and aggregates nothing, so a repeated batch changes nothing.

CREATE TABLE IF NOT EXISTS land_rows (
  at DateTime64(3, 'UTC'), event_key String, side String, source String, provider String, model String,
  deployment String, workload String, team String, environment String, key String,
  request_key String, attempt UInt8, duplicate_of UInt64, event_id UInt64, request_id UInt64,
  input_fresh Int64, cache_read Int64, cache_write_short Int64, cache_write_long Int64, cache_write_other Int64,
  output Int64, unexplained Int64, output_reasoning Nullable(Int64),
  input_audio Nullable(Int64), output_audio Nullable(Int64), input_image Nullable(Int64), output_image Nullable(Int64),
  n_web_search Nullable(Int64), n_file_search Nullable(Int64),
  tier String, processing String, region String, status UInt16,
  ttft_ms Nullable(UInt32), latency_ms Nullable(UInt32), usage_source String, approximate UInt8, cost_reported Nullable(Decimal(18, 12))
) ENGINE = Null COMMENT 'Door of requests: plain types, already checked';

CREATE MATERIALIZED VIEW IF NOT EXISTS land_rows_to_requests TO requests AS
WITH
  multiIf(r.processing = 'batch', 'batch', r.tier IN ('flex', 'priority', 'fast'), r.tier, 'standard') AS variant,
  dictGet('price_at', ('id0', 'start1', 'id1', 'start2', 'id2'), cityHash64(r.provider, r.model, variant, r.region), r.at) AS span,
  r.input_fresh + r.cache_read + r.cache_write_short + r.cache_write_long + r.cache_write_other AS total_input,
  multiIf(total_input > span.4, span.5, total_input > span.2, span.3, span.1) AS price,
  dictGet('price_of', ('input_fresh', 'cache_read', 'cache_write_short', 'cache_write_long', 'cache_write_other', 'output',
    'output_reasoning', 'input_audio', 'output_audio', 'input_image', 'output_image', 'n_web_search', 'n_file_search', 'request'),
    toUInt64(price)) AS p,
  if(isNull(p.8), 0, least(ifNull(r.input_audio, 0), r.input_fresh)) AS in_audio,
  if(isNull(p.10), 0, least(ifNull(r.input_image, 0), r.input_fresh - in_audio)) AS in_image,
  if(isNull(p.7), 0, least(ifNull(r.output_reasoning, 0), r.output)) AS out_reasoning,
  if(isNull(p.9), 0, least(ifNull(r.output_audio, 0), r.output - out_reasoning)) AS out_audio,
  if(isNull(p.11), 0, least(ifNull(r.output_image, 0), r.output - out_reasoning - out_audio)) AS out_image,
  toDecimal64(0, 12) AS nothing
SELECT
  r.at AS at, if(r.event_id != 0, r.event_id, sipHash64(r.event_key)) AS event_id,
  bitShiftLeft(toUInt64(r.duplicate_of = 1), 63) + bitShiftLeft(toUInt64(r.duplicate_of = 0), 62)
    + bitShiftLeft(toUInt64(multiIf(r.usage_source = 'provider', 2, r.usage_source = 'estimated', 1, 0)), 56)
    + toUInt64(greatest(0, r.output)) AS rank,
  toUInt64OrZero(getSetting('log_comment')) AS ver,
  r.side AS side, r.source AS source, r.provider AS provider, r.model AS model, r.deployment AS deployment,
  r.workload AS workload, r.team AS team, r.environment AS environment, r.key AS key, r.event_key AS event_key,
  multiIf(r.request_id != 0, r.request_id, r.request_key = '', toUInt64(0), sipHash64(r.request_key)) AS request_id, r.attempt AS attempt, r.duplicate_of AS duplicate_of,
  r.input_fresh AS input_fresh, r.cache_read AS cache_read, r.cache_write_short AS cache_write_short,
  r.cache_write_long AS cache_write_long, r.cache_write_other AS cache_write_other, r.output AS output,
  r.unexplained AS unexplained, r.output_reasoning AS output_reasoning, r.input_audio AS input_audio,
  r.output_audio AS output_audio, r.input_image AS input_image, r.output_image AS output_image,
  r.n_web_search AS n_web_search, r.n_file_search AS n_file_search,
  r.tier AS tier, r.processing AS processing, r.region AS region, r.status AS status, r.ttft_ms AS ttft_ms,
  r.latency_ms AS latency_ms, CAST(r.usage_source, 'Enum8(\'absent\' = 0, \'estimated\' = 1, \'provider\' = 2)') AS usage_source,
  r.approximate AS approximate, r.cost_reported AS cost_reported,
  if(r.side = 'api', price, 0) AS price_id,
  toUInt16(if(r.side = 'api', 1 * (r.input_fresh > 0 AND isNull(p.1)) + 2 * (r.cache_read > 0 AND isNull(p.2))
    + 4 * (r.cache_write_short > 0 AND isNull(p.3)) + 8 * (r.cache_write_long > 0 AND isNull(p.4))
    + 16 * (r.cache_write_other > 0 AND isNull(p.5)) + 32 * (r.output > 0 AND isNull(p.6)) + 64 * (r.unexplained > 0), 0)) AS unpriced,
  if(r.side != 'api' OR price = 0 OR r.usage_source = 'absent', NULL,
    (r.input_fresh - in_audio - in_image) * ifNull(p.1, nothing) + in_audio * ifNull(p.8, nothing) + in_image * ifNull(p.10, nothing)
    + r.cache_read * ifNull(p.2, nothing) + r.cache_write_short * ifNull(p.3, nothing) + r.cache_write_long * ifNull(p.4, nothing)
    + r.cache_write_other * ifNull(p.5, nothing)
    + (r.output - out_reasoning - out_audio - out_image) * ifNull(p.6, nothing) + out_reasoning * ifNull(p.7, nothing)
    + out_audio * ifNull(p.9, nothing) + out_image * ifNull(p.11, nothing)
    + ifNull(r.n_web_search, 0) * ifNull(p.12, nothing) + ifNull(r.n_file_search, 0) * ifNull(p.13, nothing)
    + if(r.status < 400, ifNull(p.14, nothing), nothing)) AS cost
FROM land_rows AS r;
