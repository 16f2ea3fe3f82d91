-- Derived tables: rebuilt per hour from facts, replaceable at any time. No view feeds them and none has a
-- de-duplication window: a recompute must never be taken for a repeat.

CREATE VIEW IF NOT EXISTS priced_attempts AS
WITH
  dictGet('price_of', ('input_fresh', 'cache_read', 'cache_write_short', 'cache_write_long', 'cache_write_other', 'output',
    'output_reasoning', 'input_audio', 'output_audio', 'input_image', 'output_image', 'n_web_search', 'n_file_search', 'request'),
    toUInt64(r.price_id)) AS p,
  if(isNull(p.8), 0, least(ifNull(r.input_audio, 0), r.input_fresh)) AS in_audio,
  if(isNull(p.10), 0, least(ifNull(r.input_image, 0), r.input_fresh - in_audio)) AS in_image,
  if(isNull(p.7), 0, least(ifNull(r.output_reasoning, 0), r.output)) AS out_reasoning,
  if(isNull(p.9), 0, least(ifNull(r.output_audio, 0), r.output - out_reasoning)) AS out_audio,
  if(isNull(p.11), 0, least(ifNull(r.output_image, 0), r.output - out_reasoning - out_audio)) AS out_image,
  toDecimal64(0, 12) AS nothing,
  toInt64(isNotNull(r.cost)) AS paid
SELECT
  r.at AS at, r.event_id AS event_id, r.ver AS ver, r.side AS side, r.source AS source, r.provider AS provider, r.model AS model,
  r.deployment AS deployment, r.workload AS workload, r.team AS team, r.environment AS environment, r.key AS key,
  r.request_id AS request_id, r.attempt AS attempt,
  r.input_fresh AS input_fresh, r.cache_read AS cache_read, r.cache_write_short AS cache_write_short,
  r.cache_write_long AS cache_write_long, r.cache_write_other AS cache_write_other, r.output AS output, r.unexplained AS unexplained,
  r.output_reasoning AS output_reasoning, r.tier AS tier, r.processing AS processing, r.region AS region, r.status AS status,
  r.ttft_ms AS ttft_ms, r.latency_ms AS latency_ms, r.usage_source AS usage_source, r.approximate AS approximate, r.cost_reported AS cost_reported,
  r.price_id AS price_id, r.unpriced AS unpriced, r.cost AS cost,
  r.input_fresh * bitTest(r.unpriced, 0) + r.cache_read * bitTest(r.unpriced, 1) + r.cache_write_short * bitTest(r.unpriced, 2)
    + r.cache_write_long * bitTest(r.unpriced, 3) + r.cache_write_other * bitTest(r.unpriced, 4) + r.output * bitTest(r.unpriced, 5)
    + r.unexplained * bitTest(r.unpriced, 6) AS unpriced_tokens,
  paid * ((r.input_fresh - in_audio - in_image) * ifNull(p.1, nothing) + in_audio * ifNull(p.8, nothing)
    + in_image * ifNull(p.10, nothing)) AS usd_input_fresh,
  paid * r.cache_read * ifNull(p.2, nothing) AS usd_cache_read,
  paid * r.cache_write_short * ifNull(p.3, nothing) AS usd_cache_write_short,
  paid * r.cache_write_long * ifNull(p.4, nothing) AS usd_cache_write_long,
  paid * r.cache_write_other * ifNull(p.5, nothing) AS usd_cache_write_other,
  paid * ((r.output - out_reasoning - out_audio - out_image) * ifNull(p.6, nothing) + out_reasoning * ifNull(p.7, nothing)
    + out_audio * ifNull(p.9, nothing) + out_image * ifNull(p.11, nothing)) AS usd_output,
  paid * (ifNull(r.n_web_search, 0) * ifNull(p.12, nothing) + ifNull(r.n_file_search, 0) * ifNull(p.13, nothing)
    + if(r.status < 400, ifNull(p.14, nothing), nothing)) AS usd_fees
FROM requests AS r FINAL
WHERE r.duplicate_of = 0;

CREATE TABLE IF NOT EXISTS work_10s (
  at DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Start of ten seconds',
  workload LowCardinality(String) COMMENT 'Workload',
  deployment LowCardinality(String) COMMENT 'Deployment that served it',
  side LowCardinality(String) COMMENT 'api or self_hosted',
  n Int64 CODEC(T64, ZSTD(1)) COMMENT 'Attempts that started and carried tokens',
  uncached Int64 CODEC(T64, ZSTD(1)) COMMENT 'Input tokens not read from a cache',
  cached Int64 CODEC(T64, ZSTD(1)) COMMENT 'Input tokens read from a cache',
  output Int64 CODEC(T64, ZSTD(1)) COMMENT 'Output tokens',
  kv2 Int64 CODEC(T64, ZSTD(1)) COMMENT 'Sum of 2*in*out + out*out: twice the KV term, to stay whole',
  ver UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'Recompute, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(at) ORDER BY (toStartOfHour(at), workload, deployment, side, at)
COMMENT 'Work in capacity units, by ten seconds';

CREATE TABLE IF NOT EXISTS usage_hourly (
  hour DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Start of the hour, UTC',
  side LowCardinality(String) COMMENT 'api or self_hosted',
  provider LowCardinality(String) COMMENT 'Who bills',
  model LowCardinality(String) COMMENT 'Model as billed',
  deployment LowCardinality(String) COMMENT 'Declared deployment',
  workload LowCardinality(String) COMMENT 'Workload',
  team LowCardinality(String) COMMENT 'Team',
  environment LowCardinality(String) COMMENT 'Environment',
  tier LowCardinality(String) COMMENT 'Price variant as served',
  price_id UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Price that applied, 0 = none',
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
  cost_reported Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD the source itself says; beside cost, never added',
  ver UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'Recompute, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(hour)
ORDER BY (hour, side, provider, model, deployment, workload, team, environment, tier, price_id)
COMMENT 'Attempts, tokens and booked money by hour';

CREATE TABLE IF NOT EXISTS cost_hourly (
  hour DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Start of the hour, UTC',
  side LowCardinality(String) COMMENT 'api or self_hosted',
  provider LowCardinality(String) COMMENT 'Who bills; own for a pool',
  model LowCardinality(String) COMMENT 'Model as billed or served, empty for money of no model',
  deployment LowCardinality(String) COMMENT 'Declared deployment',
  pool LowCardinality(String) COMMENT 'Pool of GPUs, empty for an API',
  workload LowCardinality(String) COMMENT 'Workload, empty for money of no single workload',
  team LowCardinality(String) COMMENT 'Team',
  environment LowCardinality(String) COMMENT 'Environment',
  component LowCardinality(String) COMMENT 'Token class, fees, retries_failed, gpu_used, gpu_headroom, gpu_warm_idle, gpu_unallocated, gpu_spare, gpu_other_use, gpu_held_unknown, gpu_unknown, overhead',
  basis LowCardinality(String) COMMENT 'Narrowest basis that holds it: usage is part of allocation',
  vintage LowCardinality(String) COMMENT 'booked = prices in force at the event',
  usd Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD',
  ver UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'Recompute, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(hour)
ORDER BY (hour, side, provider, model, deployment, pool, workload, team, environment, component, basis, vintage)
COMMENT 'Money by hour; all parts add up';

CREATE TABLE IF NOT EXISTS gpu_hourly (
  hour DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Start of the hour, UTC',
  pool LowCardinality(String) COMMENT 'Pool',
  deployment LowCardinality(String) COMMENT 'Deployment the GPU belongs to, empty if none claims it',
  node LowCardinality(String) COMMENT 'Host',
  gpu LowCardinality(String) COMMENT 'UUID; unseen-N for a GPU that is paid for and never reported',
  slice LowCardinality(String) COMMENT 'UUID of the MIG instance',
  state LowCardinality(String) COMMENT 'serving, serving_low, warm_idle, spare, unallocated, busy_other, held_unknown or unknown',
  seconds Float64 CODEC(ZSTD(1)) COMMENT 'Seconds in that state',
  used_s Float64 CODEC(ZSTD(1)) COMMENT 'Seconds of them that measured work fills',
  usd Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD of those seconds',
  energy_wh Nullable(Float64) CODEC(ZSTD(1)) COMMENT 'Watt-hours, NULL where no counter gave it',
  ver UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'Recompute, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(hour) ORDER BY (hour, pool, deployment, node, gpu, slice, state)
COMMENT 'What each paid GPU did, by hour';
