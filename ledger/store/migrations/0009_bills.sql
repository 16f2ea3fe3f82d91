-- What providers say of themselves: usage by bucket, and money by line. Revised rows replace, vanished ones are deleted.

CREATE TABLE IF NOT EXISTS usage_buckets (
  source LowCardinality(String) COMMENT 'Configured source',
  account LowCardinality(String) COMMENT 'Account at the provider',
  provider LowCardinality(String) COMMENT 'Who bills',
  view LowCardinality(String) COMMENT 'Dimensions that the provider grouped by; views are never added to one another',
  start DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Start of the bucket, UTC',
  width_s UInt32 COMMENT 'Length of the bucket, seconds',
  model LowCardinality(String) COMMENT 'Model as billed',
  project LowCardinality(String) COMMENT 'Project or workspace',
  key LowCardinality(String) COMMENT 'Identifier of the API key, never the key',
  tier LowCardinality(String) COMMENT 'Service tier as served',
  processing LowCardinality(String) COMMENT 'online or batch',
  context LowCardinality(String) COMMENT 'Context window class, if the provider tells it',
  input_fresh Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens billed at the full input price',
  cache_read Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens read from a cache',
  cache_write_short Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens written to a cache for a short life',
  cache_write_long Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens written to a cache for a long life',
  cache_write_other Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens written to a cache whose life is not told',
  output Int64 CODEC(T64, ZSTD(1)) COMMENT 'Output tokens, reasoning included',
  n_requests Nullable(Int64) CODEC(ZSTD(1)) COMMENT 'Requests, NULL where the provider does not tell',
  n_web_search Nullable(Int64) CODEC(ZSTD(1)) COMMENT 'Web searches',
  extra Map(String, Float64) COMMENT 'Numbers of the provider that we do not know yet',
  is_final UInt8 COMMENT '1 once the provider says that it will not change soon',
  is_deleted UInt8 COMMENT '1 for a row that the provider no longer tells',
  ver UInt64 COMMENT 'Order of loading, nanoseconds'
) ENGINE = ReplacingMergeTree(ver, is_deleted) PARTITION BY toYYYYMM(start)
ORDER BY (source, account, view, start, width_s, provider, model, project, key, tier, processing, context)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Usage that providers report, one row a bucket and group';

CREATE TABLE IF NOT EXISTS charges (
  source LowCardinality(String) COMMENT 'Configured source, or the file import',
  account LowCardinality(String) COMMENT 'Account at the provider',
  provider LowCardinality(String) COMMENT 'Who bills',
  start DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Start of the charge period, UTC',
  end DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'End of the charge period, UTC, exclusive',
  charge_category LowCardinality(String) COMMENT 'usage, purchase, tax, credit or adjustment',
  line String COMMENT 'Line as the provider words it',
  model LowCardinality(String) COMMENT 'Model, empty if the line names none',
  token_class LowCardinality(String) COMMENT 'Token class, empty if the line is of no one class',
  project LowCardinality(String) COMMENT 'Project, workspace or sub-account',
  key LowCardinality(String) COMMENT 'Identifier of the API key, never the key',
  tier LowCardinality(String) COMMENT 'Service tier as served',
  resource String COMMENT 'Resource, such as a GPU node',
  row_id String COMMENT 'Hash of what a row of a file says beside its numbers, empty where the other columns tell rows apart',
  billed_cost Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'Money of the invoice, after discounts, in the currency of the row',
  effective_cost Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'The same with commitments spread over what they cover',
  list_cost Nullable(Decimal(38, 12)) CODEC(ZSTD(1)) COMMENT 'Before discounts, NULL where not told',
  currency LowCardinality(String) COMMENT 'Currency of the row, ISO 4217',
  quantity Nullable(Float64) CODEC(ZSTD(1)) COMMENT 'How much was used, in tokens where the unit is tokens',
  unit LowCardinality(String) COMMENT 'Unit of the quantity',
  billing_period Date COMMENT 'First day of the billing period',
  origin String COMMENT 'File that told it, empty for a source that was asked',
  about_models UInt8 COMMENT '1 for money of models, 0 for anything else in a bill',
  is_final UInt8 COMMENT '1 once the provider says that it will not change soon',
  is_deleted UInt8 COMMENT '1 for a row that the provider no longer tells',
  ver UInt64 COMMENT 'Order of loading, nanoseconds'
) ENGINE = ReplacingMergeTree(ver, is_deleted) PARTITION BY toYYYYMM(start)
ORDER BY (source, account, start, end, provider, charge_category, line, model, token_class, project, key, tier, resource, row_id, currency)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Money that providers bill, one row a line';
