-- Declarations of the user, kept with history: what GPUs cost, what runs beside them, who may serve whom.

CREATE TABLE IF NOT EXISTS gpu_rates (
  pool LowCardinality(String) COMMENT 'Pool of GPUs that is paid for by time',
  kind LowCardinality(String) COMMENT 'rented, owned, committed, spot or provisioned',
  gpus UInt32 COMMENT 'GPUs paid for',
  usd_per_gpu_hour Decimal(18, 12) COMMENT 'USD for one GPU for one hour, used or not',
  valid_from DateTime64(3, 'UTC') COMMENT 'First instant',
  valid_to DateTime64(3, 'UTC') COMMENT 'First instant after it',
  recorded_at DateTime64(3, 'UTC') COMMENT 'When we learned it',
  ver UInt64 COMMENT 'Order of writing, nanoseconds; the last write is in force'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (pool, valid_from, recorded_at)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What the GPUs of a pool cost while they are held';

CREATE TABLE IF NOT EXISTS overheads (
  name LowCardinality(String) COMMENT 'What it is',
  side LowCardinality(String) COMMENT 'api or self_hosted',
  pool LowCardinality(String) COMMENT 'Pool it belongs to, empty = the whole side',
  unit LowCardinality(String) COMMENT 'usd_per_month, usd_per_hour or share',
  amount Decimal(18, 12) COMMENT 'USD, or share of the money of the hour',
  valid_from DateTime64(3, 'UTC') COMMENT 'First instant',
  valid_to DateTime64(3, 'UTC') COMMENT 'First instant after it',
  recorded_at DateTime64(3, 'UTC') COMMENT 'When we learned it',
  ver UInt64 COMMENT 'Order of writing, nanoseconds; the last write is in force'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (name, side, pool, valid_from, recorded_at)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Running costs beside tokens and GPUs';

CREATE TABLE IF NOT EXISTS deployments (
  name LowCardinality(String) COMMENT 'Where a workload can run',
  side LowCardinality(String) COMMENT 'api or self_hosted',
  provider LowCardinality(String) COMMENT 'Who bills',
  model LowCardinality(String) COMMENT 'Model as billed, or as served',
  pool LowCardinality(String) COMMENT 'Pool of its GPUs, empty for an API',
  gpus Array(String) COMMENT 'UUIDs of its GPUs, empty = all of the pool that no other deployment names',
  gpus_per_replica UInt16 COMMENT 'GPUs of one replica',
  s_per_uncached Float64 COMMENT 'Replica-seconds an uncached input token takes at the latency objective',
  s_per_cached Float64 COMMENT 'Replica-seconds a cached input token takes',
  s_per_output Float64 COMMENT 'Replica-seconds an output token takes',
  s_per_kv Float64 COMMENT 'Replica-seconds a unit of in*out + out*out/2 takes',
  grade LowCardinality(String) COMMENT 'How the capacity is known: A load test, B saturated production, C best seen, D published, E typed in; empty = not known',
  recorded_at DateTime64(3, 'UTC') COMMENT 'When we learned it',
  ver UInt64 COMMENT 'Order of writing, nanoseconds; the last write is in force'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (name, recorded_at)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Metered channels and capacity pools as declared';

CREATE TABLE IF NOT EXISTS workloads (
  name LowCardinality(String) COMMENT 'Unit of decision',
  team LowCardinality(String) COMMENT 'Owner',
  rules String COMMENT 'Which requests belong to it, as JSON',
  deployments Array(String) COMMENT 'Equivalence set: deployments that may serve it',
  token_ratio Float64 COMMENT 'Tokens of the other model for the same text, 1 = same',
  recorded_at DateTime64(3, 'UTC') COMMENT 'When we learned it',
  ver UInt64 COMMENT 'Order of writing, nanoseconds; the last write is in force'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (name, recorded_at)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Workloads as declared';
