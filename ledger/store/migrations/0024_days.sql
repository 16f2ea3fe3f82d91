-- Whole days of money and usage beside their hours, so that a quarter is read by ninety days and the hours at its edges.

ALTER TABLE cost_hourly ADD INDEX IF NOT EXISTS ver_range ver TYPE minmax GRANULARITY 1;

ALTER TABLE usage_hourly ADD INDEX IF NOT EXISTS ver_range ver TYPE minmax GRANULARITY 1;

CREATE TABLE IF NOT EXISTS cost_daily (
  day DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Start of the day, UTC',
  side LowCardinality(String) COMMENT 'api or self_hosted',
  provider LowCardinality(String) COMMENT 'Who bills; own for a pool',
  model LowCardinality(String) COMMENT 'Model as billed or served, empty for money of no model',
  deployment LowCardinality(String) COMMENT 'Declared deployment',
  pool LowCardinality(String) COMMENT 'Pool of GPUs, empty for an API',
  workload LowCardinality(String) COMMENT 'Workload, empty for money of no single workload',
  team LowCardinality(String) COMMENT 'Team',
  environment LowCardinality(String) COMMENT 'Environment',
  component LowCardinality(String) COMMENT 'Token class, fees, retries_failed, gpu_used, gpu_headroom, gpu_warm_idle, gpu_unallocated, gpu_spare, gpu_other_use, gpu_held_unknown, gpu_unknown, overhead, commitment_unused',
  basis LowCardinality(String) COMMENT 'Narrowest basis that holds it: usage is part of allocation',
  vintage LowCardinality(String) COMMENT 'booked = prices in force at the event',
  usd Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD',
  ver UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'Recompute, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(day)
ORDER BY (day, side, provider, model, deployment, pool, workload, team, environment, component, basis, vintage)
COMMENT 'Money by day, UTC: the sum of its hours';

CREATE TABLE IF NOT EXISTS usage_daily (
  day DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Start of the day, UTC',
  side LowCardinality(String) COMMENT 'api or self_hosted',
  provider LowCardinality(String) COMMENT 'Who bills',
  model LowCardinality(String) COMMENT 'Model as billed',
  deployment LowCardinality(String) COMMENT 'Declared deployment',
  workload LowCardinality(String) COMMENT 'Workload',
  team LowCardinality(String) COMMENT 'Team',
  environment LowCardinality(String) COMMENT 'Environment',
  tier LowCardinality(String) COMMENT 'Price variant as served',
  price_id UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Price that applied, 0 = none',
  counted Enum8('requests' = 0, 'reports' = 1, 'engine' = 2) COMMENT 'Where it is known from: request records, usage reports of the provider, counters of the model server',
  attempts Int64 CODEC(T64, ZSTD(1)) COMMENT 'Billed attempts',
  failed Int64 CODEC(T64, ZSTD(1)) COMMENT 'Attempts with status 400 or above',
  no_usage Int64 CODEC(T64, ZSTD(1)) COMMENT 'Attempts whose tokens nobody counted: unknown, not 0',
  unpriced_attempts Int64 CODEC(T64, ZSTD(1)) COMMENT 'Attempts of the API side with tokens and a class without a price',
  unpriced_tokens Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens without a price',
  input_fresh Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens billed at the full input price',
  cache_read Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens read from a cache',
  cache_write_short Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens written to a short-lived cache',
  cache_write_long Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens written to a long-lived cache',
  cache_write_other Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens written to a cache of unknown life',
  output Int64 CODEC(T64, ZSTD(1)) COMMENT 'Output tokens, reasoning included',
  unexplained Int64 CODEC(T64, ZSTD(1)) COMMENT 'Reported total minus the known classes',
  output_reasoning Int64 CODEC(T64, ZSTD(1)) COMMENT 'Part of output',
  n_logical Int64 CODEC(T64, ZSTD(1)) COMMENT 'Logical requests, counted at their first attempt',
  n_success Int64 CODEC(T64, ZSTD(1)) COMMENT 'Successful logical requests, counted at their first success',
  usd_input_fresh Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD of useful attempts, input',
  usd_cache_read Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD of useful attempts, cache reads',
  usd_cache_write_short Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD of useful attempts, short cache writes',
  usd_cache_write_long Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD of useful attempts, long cache writes',
  usd_cache_write_other Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD of useful attempts, other cache writes',
  usd_output Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD of useful attempts, output',
  usd_fees Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD of useful attempts, tools and per-request fees',
  usd_retries_failed Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD of attempts that were not the first success of their request',
  cost Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD booked, all attempts',
  uncounted_tokens Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens of usage whose requests nobody counted',
  usd_approximate Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD of usage whose token classes or context tier are not told exactly',
  cost_reported Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD the source itself says; beside cost, never added',
  ttft_log Map(UInt8, UInt64) CODEC(ZSTD(1)) COMMENT 'Attempts below 400 by bucket of their time to the first token',
  latency_log Map(UInt8, UInt64) CODEC(ZSTD(1)) COMMENT 'Attempts below 400 by bucket of their time to the last token',
  by_status Map(UInt16, UInt64) CODEC(ZSTD(1)) COMMENT 'Attempts by HTTP status',
  ver UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'Recompute, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(day)
ORDER BY (day, side, provider, model, deployment, workload, team, environment, tier, price_id, counted)
COMMENT 'Attempts, tokens and booked money by day, UTC: the sum of its hours';

INSERT INTO cost_daily
SELECT toStartOfDay(hour) AS day, side, provider, model, deployment, pool, workload, team, environment, component, basis, vintage, sum(usd), 1
FROM cost_hourly FINAL
GROUP BY day, side, provider, model, deployment, pool, workload, team, environment, component, basis, vintage;

INSERT INTO usage_daily
SELECT toStartOfDay(hour) AS day, side, provider, model, deployment, workload, team, environment, tier, price_id, counted,
  sum(attempts), sum(failed), sum(no_usage), sum(unpriced_attempts), sum(unpriced_tokens), sum(input_fresh), sum(cache_read), sum(cache_write_short),
  sum(cache_write_long), sum(cache_write_other), sum(output), sum(unexplained), sum(output_reasoning), sum(n_logical), sum(n_success),
  sum(usd_input_fresh), sum(usd_cache_read), sum(usd_cache_write_short), sum(usd_cache_write_long), sum(usd_cache_write_other), sum(usd_output),
  sum(usd_fees), sum(usd_retries_failed), sum(cost), sum(uncounted_tokens), sum(usd_approximate), sum(cost_reported), sumMap(ttft_log),
  sumMap(latency_log), sumMap(by_status), 1
FROM usage_hourly FINAL
GROUP BY day, side, provider, model, deployment, workload, team, environment, tier, price_id, counted;

-- A row is an hour or a whole day: who reads them takes the whole days of a span and the hours of the others, never both.
CREATE VIEW IF NOT EXISTS cost_periods AS
SELECT hour, toStartOfDay(hour) AS day, toStartOfDay(hour) + INTERVAL 1 DAY AS next_day, false AS whole, side, provider, model, deployment, pool, workload, team, environment, component, basis, vintage, usd
FROM cost_hourly FINAL WHERE usd != 0
UNION ALL
SELECT day AS hour, day, day + INTERVAL 1 DAY AS next_day, true AS whole, side, provider, model, deployment, pool, workload, team, environment, component, basis, vintage, usd
FROM cost_daily FINAL WHERE usd != 0;

CREATE VIEW IF NOT EXISTS usage_periods AS
SELECT hour, toStartOfDay(hour) AS day, toStartOfDay(hour) + INTERVAL 1 DAY AS next_day, false AS whole, side, provider, model, deployment, workload, team, environment, tier, price_id, counted,
  attempts, failed, no_usage, unpriced_attempts, unpriced_tokens, input_fresh, cache_read, output,
  input_fresh + cache_read + cache_write_short + cache_write_long + cache_write_other AS total_input,
  n_logical AS requests, n_success AS successful_requests, usd_retries_failed AS wasted_cost, cost, uncounted_tokens, cost_reported
FROM usage_hourly FINAL WHERE attempts != 0 OR counted != 'requests' AND (total_input != 0 OR output != 0 OR cost != 0)
UNION ALL
SELECT day AS hour, day, day + INTERVAL 1 DAY AS next_day, true AS whole, side, provider, model, deployment, workload, team, environment, tier, price_id, counted,
  attempts, failed, no_usage, unpriced_attempts, unpriced_tokens, input_fresh, cache_read, output,
  input_fresh + cache_read + cache_write_short + cache_write_long + cache_write_other AS total_input,
  n_logical AS requests, n_success AS successful_requests, usd_retries_failed AS wasted_cost, cost, uncounted_tokens, cost_reported
FROM usage_daily FINAL WHERE attempts != 0 OR counted != 'requests' AND (total_input != 0 OR output != 0 OR cost != 0);

CREATE VIEW IF NOT EXISTS latency_periods AS
SELECT hour, toStartOfDay(hour) AS day, toStartOfDay(hour) + INTERVAL 1 DAY AS next_day, false AS whole, side, provider, model, deployment, workload, team,
  environment, ttft_log, latency_log
FROM usage_hourly FINAL
UNION ALL
SELECT day AS hour, day, day + INTERVAL 1 DAY AS next_day, true AS whole, side, provider, model, deployment, workload, team, environment,
  ttft_log, latency_log
FROM usage_daily FINAL;

CREATE OR REPLACE VIEW v_cost_daily AS
SELECT toDate(d.day, 'UTC') AS day, side, provider, model, deployment, pool, workload, team, environment, component, basis, vintage, usd
FROM cost_daily AS d FINAL WHERE usd != 0;

ALTER TABLE v_cost_daily
  COMMENT COLUMN day 'UTC day',
  COMMENT COLUMN side 'api or self_hosted',
  COMMENT COLUMN provider 'Who bills; own for a pool; the name of an overhead',
  COMMENT COLUMN model 'Model as billed or served, empty for money of no model',
  COMMENT COLUMN deployment 'Declared deployment',
  COMMENT COLUMN pool 'Pool of GPUs, empty for an API',
  COMMENT COLUMN workload 'Workload, empty for money of no single workload',
  COMMENT COLUMN team 'Team',
  COMMENT COLUMN environment 'Environment',
  COMMENT COLUMN component 'Token class, fees, retries_failed, gpu_used, gpu_headroom, gpu_warm_idle, gpu_unallocated, gpu_spare, gpu_other_use, gpu_held_unknown, gpu_unknown, node_others, overhead, commitment_unused',
  COMMENT COLUMN basis 'Narrowest basis that holds it: usage is part of allocation',
  COMMENT COLUMN vintage 'booked = prices in force at the event; other vintages are in v_cost_vintages',
  COMMENT COLUMN usd 'USD';
