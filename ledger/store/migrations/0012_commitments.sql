-- Minimum spend that is promised to a provider: what metered use does not consume is money of its own.

CREATE TABLE IF NOT EXISTS commitments (
  name LowCardinality(String) COMMENT 'What it is',
  provider LowCardinality(String) COMMENT 'Who is promised the money',
  usd_per_month Decimal(18, 12) COMMENT 'Least USD of metered use in a calendar month, UTC',
  valid_from DateTime64(3, 'UTC') COMMENT 'First instant',
  valid_to DateTime64(3, 'UTC') COMMENT 'First instant after it',
  recorded_at DateTime64(3, 'UTC') COMMENT 'When we learned it',
  ver UInt64 COMMENT 'Order of writing, nanoseconds; the last write is in force'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (name, provider, valid_from, recorded_at)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Minimum spend by provider; only metered use consumes it';

ALTER TABLE cost_hourly MODIFY COLUMN component LowCardinality(String) COMMENT 'Token class, fees, retries_failed, gpu_used, gpu_headroom, gpu_warm_idle, gpu_unallocated, gpu_spare, gpu_other_use, gpu_held_unknown, gpu_unknown, overhead, commitment_unused';
