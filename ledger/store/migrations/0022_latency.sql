-- How long answers take and how attempts end, by hour: counts by bucket, so that a quarter's percentiles read no request.
-- Buckets are floor(ln(ms + 1) / ln 1.1): an error of at most 4.9 %, whatever the order in which rows came.

ALTER TABLE usage_hourly
  ADD COLUMN IF NOT EXISTS ttft_log Map(UInt8, UInt64) CODEC(ZSTD(1)) COMMENT 'Attempts below 400 by bucket of their time to the first token' AFTER cost_reported,
  ADD COLUMN IF NOT EXISTS latency_log Map(UInt8, UInt64) CODEC(ZSTD(1)) COMMENT 'Attempts below 400 by bucket of their time to the last token' AFTER ttft_log,
  ADD COLUMN IF NOT EXISTS by_status Map(UInt16, UInt64) CODEC(ZSTD(1)) COMMENT 'Attempts by HTTP status' AFTER latency_log;

-- The next tick rebuilds every hour of which there are requests.
ALTER TABLE source_state DELETE WHERE source = 'tick' AND name = 'mark' SETTINGS mutations_sync = 1;

CREATE VIEW IF NOT EXISTS v_latency_hourly AS
SELECT hour, side, provider, model, deployment, workload, team, environment, bucket.1 AS what, pow(1.1, bucket.2 + 0.5) - 1 AS ms, bucket.3 AS attempts
FROM usage_hourly FINAL
ARRAY JOIN arrayConcat(
  arrayMap((b, n) -> ('ttft', b, n), mapKeys(ttft_log), mapValues(ttft_log)),
  arrayMap((b, n) -> ('latency', b, n), mapKeys(latency_log), mapValues(latency_log))) AS bucket
WHERE bucket.3 > 0;

CREATE VIEW IF NOT EXISTS v_status_hourly AS
SELECT hour, side, provider, model, deployment, workload, team, environment, pair.1 AS status, pair.2 AS attempts
FROM usage_hourly FINAL ARRAY JOIN CAST(by_status, 'Array(Tuple(UInt16, UInt64))') AS pair
WHERE pair.2 > 0;

ALTER TABLE v_latency_hourly
  COMMENT COLUMN hour 'Start of the hour, UTC',
  COMMENT COLUMN side 'api or self_hosted',
  COMMENT COLUMN provider 'Who bills',
  COMMENT COLUMN model 'Model as billed',
  COMMENT COLUMN deployment 'Declared deployment',
  COMMENT COLUMN workload 'Workload',
  COMMENT COLUMN team 'Team',
  COMMENT COLUMN environment 'Environment',
  COMMENT COLUMN what 'ttft: to the first token; latency: to the last',
  COMMENT COLUMN ms 'Middle of the bucket, milliseconds; the true value is within 4.9 %',
  COMMENT COLUMN attempts 'Attempts with a status below 400 in it: quantileExactWeighted(0.95)(ms, attempts)';

ALTER TABLE v_status_hourly
  COMMENT COLUMN hour 'Start of the hour, UTC',
  COMMENT COLUMN side 'api or self_hosted',
  COMMENT COLUMN provider 'Who bills',
  COMMENT COLUMN model 'Model as billed',
  COMMENT COLUMN deployment 'Declared deployment',
  COMMENT COLUMN workload 'Workload',
  COMMENT COLUMN team 'Team',
  COMMENT COLUMN environment 'Environment',
  COMMENT COLUMN status 'HTTP status, or its nearest: 408 timed out, 499 cancelled',
  COMMENT COLUMN attempts 'Attempts that ended so';

-- A row that was delivered twice, or sent through the door again with its place, is one row from the first moment on.
CREATE OR REPLACE VIEW v_sources AS
SELECT s.source AS source, s.kind AS kind, s.rows AS rows, s.first AS first, s.last AS last, s.provisional AS provisional,
  s.stored AS stored, r.rejected AS rejected
FROM (
  SELECT source, 'requests' AS kind, count() AS rows, min(at) AS first, max(at) AS last,
    toUInt64(0) AS provisional, fromUnixTimestamp64Nano(toInt64(max(ver)), 'UTC') AS stored
  FROM requests FINAL GROUP BY source
  UNION ALL
  SELECT source, 'gpu_samples', count(), min(at), max(at), 0, fromUnixTimestamp64Nano(toInt64(max(ver)), 'UTC')
  FROM gpu_samples FINAL GROUP BY source
  UNION ALL
  SELECT source, 'engine_samples', count(), min(at), max(at), 0, fromUnixTimestamp64Nano(toInt64(max(ver)), 'UTC')
  FROM engine_samples FINAL GROUP BY source
  UNION ALL
  SELECT source, 'charges', count(), min(start), max(start), countIf(NOT is_final),
    fromUnixTimestamp64Nano(toInt64(max(ver)), 'UTC')
  FROM charges FINAL GROUP BY source
  UNION ALL
  SELECT source, 'usage_buckets', count(), min(start), max(start), countIf(NOT is_final),
    fromUnixTimestamp64Nano(toInt64(max(ver)), 'UTC')
  FROM usage_buckets FINAL GROUP BY source
) AS s LEFT JOIN (SELECT source, count() AS rejected FROM rejected FINAL GROUP BY source) AS r ON s.source = r.source;

ALTER TABLE v_sources
  COMMENT COLUMN source 'Who brought it',
  COMMENT COLUMN kind 'requests, gpu_samples, engine_samples, charges or usage_buckets',
  COMMENT COLUMN rows 'Rows in the store',
  COMMENT COLUMN first 'First instant, UTC',
  COMMENT COLUMN last 'Last instant, UTC',
  COMMENT COLUMN provisional 'Rows that the provider may still change',
  COMMENT COLUMN stored 'When the latest row was stored',
  COMMENT COLUMN rejected 'Rows that were refused';
