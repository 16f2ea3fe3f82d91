-- Facts: what was seen. De-duplicated by identity, never edited.

CREATE TABLE IF NOT EXISTS requests (
  at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)) COMMENT 'Start of the attempt, UTC; the same in every delivery of it',
  event_id UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'sipHash64(event_key): what this event is, for ever',
  rank UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Which delivery wins: withdrawn before original before duplicate, reported before estimated, most output',
  ver UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'Order of loading, nanoseconds; finds dirty hours',
  side LowCardinality(String) COMMENT 'api or self_hosted',
  source LowCardinality(String) COMMENT 'The collector that brought the row',
  provider LowCardinality(String) COMMENT 'Who bills: openai, anthropic, ..., or the own pool',
  model LowCardinality(String) COMMENT 'Model as billed',
  deployment LowCardinality(String) COMMENT 'Declared deployment, empty if none matched',
  workload LowCardinality(String) COMMENT 'Declared workload, else unassigned',
  team LowCardinality(String) COMMENT 'Team as declared by the source or a rule',
  environment LowCardinality(String) COMMENT 'prod, staging, ...',
  key LowCardinality(String) COMMENT 'Name or id of the API key, never the key',
  event_key String CODEC(ZSTD(1)) TTL toDateTime(at) + INTERVAL 30 DAY COMMENT 'source|account|id of the provider|attempt',
  request_id UInt64 CODEC(ZSTD(1)) COMMENT 'Hash of the logical request, 0 = none given',
  attempt UInt8 CODEC(T64, ZSTD(1)) COMMENT 'Number of the attempt within its logical request',
  duplicate_of UInt64 CODEC(ZSTD(1)) COMMENT 'event_id of the row that counts, 0 = this one counts, 1 = withdrawn: it repeats others',
  input_fresh Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens billed at the full input price',
  cache_read Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens read from a cache',
  cache_write_short Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens written to a short-lived cache (5 to 30 minutes)',
  cache_write_long Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens written to a long-lived cache (1 to 12 hours)',
  cache_write_other Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens written to a cache of unknown life',
  output Int64 CODEC(T64, ZSTD(1)) COMMENT 'All billed output tokens, reasoning included',
  unexplained Int64 CODEC(T64, ZSTD(1)) COMMENT 'Reported total minus the known classes: shown, never priced',
  output_reasoning Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Part of output; informational',
  input_audio Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Part of input_fresh',
  output_audio Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Part of output',
  input_image Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Part of input_fresh',
  output_image Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Part of output',
  n_web_search Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Billed web searches',
  n_file_search Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Billed file searches',
  tier LowCardinality(String) COMMENT 'Tier as served: standard, flex, priority, fast, ...',
  processing LowCardinality(String) COMMENT 'online or batch',
  region LowCardinality(String) COMMENT 'Billing region, empty if prices do not depend on it',
  status UInt16 CODEC(T64, ZSTD(1)) COMMENT 'HTTP status, or its nearest: 408 timed out, 499 cancelled',
  ttft_ms Nullable(UInt32) CODEC(T64, ZSTD(1)) COMMENT 'Milliseconds to the first token',
  latency_ms Nullable(UInt32) CODEC(T64, ZSTD(1)) COMMENT 'Milliseconds to the last token',
  usage_source Enum8('absent' = 0, 'estimated' = 1, 'provider' = 2) COMMENT 'Who counted the tokens',
  approximate UInt8 CODEC(T64, ZSTD(1)) COMMENT 'Why the classes are not exact, as bits: 1 = cached share of the input not told, counted as fresh',
  cost_reported Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)) COMMENT 'USD the source says; beside cost, never added to it',
  price_id UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Row of prices that priced it, 0 = no price',
  unpriced UInt16 CODEC(T64, ZSTD(1)) COMMENT 'One bit a token class that has tokens and no price',
  cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)) COMMENT 'USD at the price in force at `at`; NULL = unpriced or usage absent',
  INDEX ver_range ver TYPE minmax GRANULARITY 1
) ENGINE = ReplacingMergeTree(rank) PARTITION BY toYYYYMM(at) ORDER BY (toStartOfHour(at), event_id)
SETTINGS non_replicated_deduplication_window = 1000, min_free_disk_bytes_to_perform_insert = 1000000000
COMMENT 'One billed attempt a row, either side';

CREATE TABLE IF NOT EXISTS gpu_samples (
  at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'End of the time this reading stands for, UTC',
  node LowCardinality(String) COMMENT 'Host',
  gpu LowCardinality(String) COMMENT 'UUID of the device',
  slice LowCardinality(String) COMMENT 'UUID of the MIG instance, empty for a whole GPU',
  pool LowCardinality(String) COMMENT 'Pool the node belongs to',
  dt_s Float32 CODEC(ZSTD(1)) COMMENT 'Seconds this row stands for: rows carry their own weight',
  util Nullable(Float32) CODEC(ZSTD(1)) COMMENT 'Device utilisation 0 to 100; tells presence of kernels, not load',
  sm_active Nullable(Float32) CODEC(ZSTD(1)) COMMENT 'Share of SMs busy 0 to 100, where the chip counts it',
  mem_mib Nullable(UInt32) CODEC(T64, ZSTD(1)) COMMENT 'Memory in use, MiB',
  power_w Nullable(Float32) CODEC(ZSTD(1)) COMMENT 'Watts',
  energy_mj Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Energy used since the reading before, millijoules',
  reset UInt8 CODEC(ZSTD(1)) COMMENT '1 = a counter started again in this interval: energy is a lower bound',
  processes Nullable(UInt16) CODEC(T64, ZSTD(1)) COMMENT 'Compute processes on the device',
  source LowCardinality(String) COMMENT 'Who measured',
  ver UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'Order of loading, nanoseconds',
  INDEX ver_range ver TYPE minmax GRANULARITY 1
) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(at) ORDER BY (toStartOfHour(at), node, gpu, slice, at)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'One reading of a GPU a row; missing is NULL, never 0';

CREATE TABLE IF NOT EXISTS rejected (
  received_at DateTime64(3, 'UTC') COMMENT 'When it came',
  source LowCardinality(String) COMMENT 'Which collector refused it',
  origin String COMMENT 'File or sender',
  line UInt64 COMMENT 'Line or row number, from 1',
  field LowCardinality(String) COMMENT 'Field that was wrong',
  reason String COMMENT 'What was expected',
  value String COMMENT 'The value, cut to 80 characters',
  ver UInt64 COMMENT 'Order of loading, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(received_at) ORDER BY (source, origin, line, field)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Rows that were not taken, with the reason';

CREATE TABLE IF NOT EXISTS batches (
  token String COMMENT 'Identity of the batch: sent again with it, nothing changes',
  source LowCardinality(String) COMMENT 'Collector',
  origin String COMMENT 'File, window or sender',
  rows UInt64 COMMENT 'Good rows in it',
  rejected UInt64 COMMENT 'Rows refused beside them',
  received_at DateTime64(3, 'UTC') COMMENT 'When it was stored',
  ver UInt64 COMMENT 'Order of loading, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (source, token)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'The raw ledger of what was received';

CREATE TABLE IF NOT EXISTS job_runs (
  job LowCardinality(String) COMMENT 'Job',
  started_at DateTime64(3, 'UTC') COMMENT 'Start',
  ended_at DateTime64(3, 'UTC') COMMENT 'End',
  outcome LowCardinality(String) COMMENT 'ok or failed',
  note String COMMENT 'What it did, or why it failed',
  ver UInt64 COMMENT 'Order of writing, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (job, started_at)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Runs of jobs';

CREATE TABLE IF NOT EXISTS source_state (
  source LowCardinality(String) COMMENT 'Source or job',
  name LowCardinality(String) COMMENT 'Which cursor of it',
  value String COMMENT 'The cursor',
  ver UInt64 COMMENT 'Order of writing, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (source, name)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Cursors and watermarks, moved only after what they speak of is stored';
