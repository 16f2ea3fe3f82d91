-- How much a replica can do, as it was measured: kept with its evidence; the latest one of a deployment is in force.

CREATE TABLE IF NOT EXISTS capacities (
  deployment LowCardinality(String) COMMENT 'Declared deployment',
  recorded_at DateTime64(3, 'UTC') COMMENT 'When we learned it',
  s_per_uncached Float64 COMMENT 'Replica-seconds an uncached input token takes within the latency objective',
  s_per_cached Float64 COMMENT 'Replica-seconds a cached input token takes',
  s_per_output Float64 COMMENT 'Replica-seconds an output token takes',
  s_per_kv Float64 COMMENT 'Replica-seconds a unit of in*out + out*out/2 takes',
  grade LowCardinality(String) COMMENT 'A load test, B saturated production, C best seen, D published, E typed in; empty = withdrawn',
  ttft_p99_ms Float64 COMMENT 'Latency objective: time to first token',
  tpot_p90_ms Float64 COMMENT 'Latency objective: time per output token',
  evidence String COMMENT 'Method, shapes, throughput, files, as JSON',
  ver UInt64 COMMENT 'Order of writing, nanoseconds; the last write is in force'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (deployment, recorded_at)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Measured capacity of deployments, with its evidence';

CREATE VIEW IF NOT EXISTS v_capacities AS
SELECT deployment, recorded_at, s_per_uncached, s_per_cached, s_per_output, s_per_kv, grade, ttft_p99_ms, tpot_p90_ms, evidence
FROM capacities FINAL;
