-- Model servers: what their counters grew by in an interval. They tell the work of hours without request records.

CREATE TABLE IF NOT EXISTS engine_samples (
  at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'End of the interval, UTC',
  node LowCardinality(String) COMMENT 'Host that looked',
  deployment LowCardinality(String) COMMENT 'Declared deployment, empty if none matched',
  replica LowCardinality(String) COMMENT 'Address of the server',
  model LowCardinality(String) COMMENT 'Model as the server names it',
  pool LowCardinality(String) COMMENT 'Pool that pays for it, empty if not told',
  dt_s Float32 CODEC(ZSTD(1)) COMMENT 'Length of the interval, seconds',
  up UInt8 CODEC(ZSTD(1)) COMMENT '0 = the server did not answer',
  input_fresh Nullable(Int64) CODEC(ZSTD(1)) COMMENT 'Prompt tokens that were computed',
  cache_read Nullable(Int64) CODEC(ZSTD(1)) COMMENT 'Prompt tokens read from the prefix cache',
  output Nullable(Int64) CODEC(ZSTD(1)) COMMENT 'Generated tokens, those of aborted requests included',
  n_ok Nullable(Int64) CODEC(ZSTD(1)) COMMENT 'Requests that ended well; NULL where the server does not count them',
  n_aborted Nullable(Int64) CODEC(ZSTD(1)) COMMENT 'Requests that the caller gave up',
  n_failed Nullable(Int64) CODEC(ZSTD(1)) COMMENT 'Requests that failed',
  running Nullable(Float32) CODEC(ZSTD(1)) COMMENT 'Requests being served at the end',
  waiting Nullable(Float32) CODEC(ZSTD(1)) COMMENT 'Requests that waited at the end',
  kv_used Nullable(Float32) CODEC(ZSTD(1)) COMMENT 'Share of the KV cache in use, 0 to 1',
  idle_s Nullable(Float64) CODEC(ZSTD(1)) COMMENT 'Seconds without work, where the server counts them',
  prefill_s Nullable(Float64) CODEC(ZSTD(1)) COMMENT 'Seconds of prefill, over all requests',
  decode_s Nullable(Float64) CODEC(ZSTD(1)) COMMENT 'Seconds of decoding, over all requests',
  ttft Map(Float32, UInt64) COMMENT 'Time to first token: requests at or below each edge, seconds',
  reset UInt8 CODEC(ZSTD(1)) COMMENT '1 = a counter began again: the counts are a lower bound',
  source LowCardinality(String) COMMENT 'Who looked',
  ver UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'Order of loading, nanoseconds',
  INDEX ver_range ver TYPE minmax GRANULARITY 1
) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(at) ORDER BY (toStartOfHour(at), node, replica, deployment, model, at)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'One look at a model server a row: differences of its counters';

ALTER TABLE usage_hourly
  MODIFY COLUMN counted Enum8('requests' = 0, 'reports' = 1, 'engine' = 2) COMMENT 'Where it is known from: request records, usage reports of the provider, counters of the model server';

CREATE VIEW IF NOT EXISTS own_work AS
SELECT toStartOfHour(r.at) AS began_hour, toUInt8(0) AS by_engine, r.deployment AS deployment, r.model AS model, r.workload AS workload, r.team AS team,
  r.environment AS environment, r.input_fresh + r.cache_write_short + r.cache_write_long + r.cache_write_other AS uncached,
  r.cache_read AS cached, r.output AS output, toFloat64((uncached + cached) * r.output) + r.output * r.output / 2 AS kv,
  toStartOfMinute(toDateTime(r.at, 'UTC')) AS from_minute,
  least(120, 1 + dateDiff('minute', from_minute, toDateTime(r.at + toIntervalMillisecond(ifNull(r.latency_ms, 0)), 'UTC'))) AS minutes
FROM requests AS r FINAL
WHERE r.side = 'self_hosted' AND r.duplicate_of = 0 AND uncached + cached + r.output > 0
UNION ALL
SELECT toStartOfHour(e.at - toIntervalMillisecond(toUInt32(e.dt_s * 1000))), 1, e.deployment, e.model, 'unassigned', '', '', ifNull(e.input_fresh, 0),
  ifNull(e.cache_read, 0), ifNull(e.output, 0),
  -- a server counts no tokens by request: each is taken for the mean of its interval
  (toFloat64((ifNull(e.input_fresh, 0) + ifNull(e.cache_read, 0)) * ifNull(e.output, 0)) + pow(ifNull(e.output, 0), 2) / 2)
    / greatest(1, ifNull(e.n_ok, 0) + ifNull(e.n_aborted, 0) + ifNull(e.n_failed, 0)),
  toStartOfMinute(toDateTime(e.at - toIntervalMillisecond(toUInt32(e.dt_s * 1000)), 'UTC')) AS from_minute,
  least(120, 1 + dateDiff('minute', from_minute, toDateTime(e.at - toIntervalMillisecond(1), 'UTC')))
FROM engine_samples AS e FINAL
WHERE ifNull(e.input_fresh, 0) + ifNull(e.cache_read, 0) + ifNull(e.output, 0) > 0;

CREATE VIEW IF NOT EXISTS v_engine_samples AS
SELECT at, node, deployment, replica, model, pool, dt_s, up, input_fresh, cache_read, output, n_ok, n_aborted, n_failed, running, waiting, kv_used,
  idle_s, prefill_s, decode_s, ttft, reset, source
FROM engine_samples FINAL;
