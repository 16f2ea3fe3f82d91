-- A service that tells its calls by spans is counted by them, and not by its token metrics as well.

CREATE TABLE IF NOT EXISTS span_services (
  day Date COMMENT 'UTC day of the calls',
  service LowCardinality(String) COMMENT 'service.name of the sender',
  ver UInt64 COMMENT 'Order of writing, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (day, service)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Days on which spans of a service told tokens: its token metrics of the day are set aside';

INSERT INTO span_services
SELECT toDate(at, 'UTC') AS day, key AS service, max(ver) FROM requests
WHERE source = 'otlp' AND key != '' AND duplicate_of = 0
  AND (input_fresh != 0 OR cache_read != 0 OR cache_write_short != 0 OR cache_write_long != 0 OR cache_write_other != 0 OR output != 0)
GROUP BY day, service;

CREATE OR REPLACE VIEW counted_reports AS
WITH
  dictGet('price_at', ('id0', 'start1', 'id1'), cityHash64(toString(b.provider), toString(b.model), toString(b.variant), ''), b.hour) AS span,
  b.context NOT IN ('', '0-200k') AND span.2 <= 200000 AS long,
  toUInt32(if(long, span.3, span.1)) AS price,
  toDecimal128(0, 12) AS nothing,
  dictGet('price_of', ('input_fresh', 'cache_read', 'cache_write_short', 'cache_write_long', 'cache_write_other', 'output', 'n_web_search'),
    toUInt64(price)) AS p
SELECT b.hour AS hour, b.provider AS provider, b.model AS model, b.deployment AS deployment, b.workload AS workload, b.team AS team,
  b.variant AS variant, b.source AS source, b.account AS account, b.view AS view, price AS price_id, b.n_requests AS n_requests,
  b.input_fresh AS input_fresh, b.cache_read AS cache_read, b.cache_write_short AS cache_write_short, b.cache_write_long AS cache_write_long,
  b.cache_write_other AS cache_write_other, b.output AS output,
  b.input_fresh + b.cache_read + b.cache_write_short + b.cache_write_long + b.cache_write_other AS total_input,
  b.input_fresh * isNull(p.1) + b.cache_read * isNull(p.2) + b.cache_write_short * isNull(p.3) + b.cache_write_long * isNull(p.4)
    + b.cache_write_other * isNull(p.5) + b.output * isNull(p.6) AS unpriced_tokens,
  b.input_fresh * ifNull(toDecimal128(p.1, 12), nothing) AS usd_input_fresh,
  b.cache_read * ifNull(toDecimal128(p.2, 12), nothing) AS usd_cache_read,
  b.cache_write_short * ifNull(toDecimal128(p.3, 12), nothing) AS usd_cache_write_short,
  b.cache_write_long * ifNull(toDecimal128(p.4, 12), nothing) AS usd_cache_write_long,
  b.cache_write_other * ifNull(toDecimal128(p.5, 12), nothing) AS usd_cache_write_other,
  b.output * ifNull(toDecimal128(p.6, 12), nothing) AS usd_output,
  b.n_web_search * ifNull(toDecimal128(p.7, 12), nothing) AS usd_fees,
  usd_input_fresh + usd_cache_read + usd_cache_write_short + usd_cache_write_long + usd_cache_write_other + usd_output + usd_fees AS cost,
  NOT long AND span.2 < bitShiftLeft(toInt64(1), 62) AND (b.context = '' OR span.2 < 200000)
    OR b.view = 'token metrics' AND b.cache_read = 0 AND b.input_fresh > 0 AS approximate
FROM (
  -- A bucket of more than an hour is spread evenly over its hours, in whole tokens that add up to it.
  SELECT u.source AS source, u.account AS account, u.provider AS provider, u.model AS model, u.deployment AS deployment,
    if(u.workload = '', 'unassigned', u.workload) AS workload, u.team AS team, u.view AS view, u.context AS context,
    multiIf(u.processing = 'batch', 'batch', u.tier IN ('flex', 'priority', 'fast'), toString(u.tier), 'standard') AS variant,
    toInt64(greatest(1, intDiv(u.width_s, 3600))) AS parts, arrayJoin(range(toUInt32(parts))) AS k,
    toStartOfHour(u.start) + toIntervalHour(k) AS hour,
    intDiv(u.input_fresh * (k + 1), parts) - intDiv(u.input_fresh * k, parts) AS input_fresh,
    intDiv(u.cache_read * (k + 1), parts) - intDiv(u.cache_read * k, parts) AS cache_read,
    intDiv(u.cache_write_short * (k + 1), parts) - intDiv(u.cache_write_short * k, parts) AS cache_write_short,
    intDiv(u.cache_write_long * (k + 1), parts) - intDiv(u.cache_write_long * k, parts) AS cache_write_long,
    intDiv(u.cache_write_other * (k + 1), parts) - intDiv(u.cache_write_other * k, parts) AS cache_write_other,
    intDiv(u.output * (k + 1), parts) - intDiv(u.output * k, parts) AS output,
    intDiv(ifNull(u.n_web_search, 0) * (k + 1), parts) - intDiv(ifNull(u.n_web_search, 0) * k, parts) AS n_web_search,
    intDiv(u.n_requests * (k + 1), parts) - intDiv(u.n_requests * k, parts) AS n_requests
  FROM usage_buckets AS u FINAL
  -- Token metrics are those of services without spans: they count beside request records, never beside reports of the provider.
  WHERE (u.view != 'token metrics') = ((toDate(u.start, 'UTC'), u.provider) IN (
    SELECT day, provider FROM usage_days FINAL WHERE counted = 'reports'))
    -- and of a service whose spans tell its calls of the day, the spans count.
    AND (u.view != 'token metrics' OR (toDate(u.start, 'UTC'), u.key) NOT IN (SELECT day, service FROM span_services))) AS b;
