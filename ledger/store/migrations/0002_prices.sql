-- Prices: effective-dated facts, what a name as billed cost when, and the two dictionaries that price in SQL.

CREATE TABLE IF NOT EXISTS prices (
  price_id UInt32 COMMENT 'Number of this row; a correction is a new row',
  provider LowCardinality(String) COMMENT 'Provider of the price book',
  model String COMMENT 'Model of the price book',
  variant LowCardinality(String) COMMENT 'standard, batch, flex, priority, fast',
  region LowCardinality(String) COMMENT 'Billing region, empty = any',
  tier_start Int64 COMMENT 'Applies when total input is above this many tokens; 0 = base',
  valid_from DateTime('UTC') COMMENT 'First second it is in force',
  valid_to DateTime('UTC') COMMENT 'Last second it is in force',
  day_from_s UInt32 COMMENT 'Time-of-day prices: first second of the UTC day',
  day_to_s UInt32 COMMENT 'Time-of-day prices: second after the last; 86400 = whole day',
  recorded_at DateTime64(3, 'UTC') COMMENT 'When we learned it',
  source LowCardinality(String) COMMENT 'genai-prices VERSION, or user',
  flags UInt16 COMMENT '1 cache read at input price, 2 cache write at input price, 4 no price for this variant, 8 set by the user, 32 rounded to 12 decimals',
  input_fresh Nullable(Decimal(18, 12)) COMMENT 'USD per token',
  cache_read Nullable(Decimal(18, 12)) COMMENT 'USD per token',
  cache_write_short Nullable(Decimal(18, 12)) COMMENT 'USD per token',
  cache_write_long Nullable(Decimal(18, 12)) COMMENT 'USD per token',
  cache_write_other Nullable(Decimal(18, 12)) COMMENT 'USD per token',
  output Nullable(Decimal(18, 12)) COMMENT 'USD per token',
  output_reasoning Nullable(Decimal(18, 12)) COMMENT 'USD per token, NULL = as output',
  input_audio Nullable(Decimal(18, 12)) COMMENT 'USD per token, NULL = as input_fresh',
  output_audio Nullable(Decimal(18, 12)) COMMENT 'USD per token, NULL = as output',
  input_image Nullable(Decimal(18, 12)) COMMENT 'USD per token, NULL = as input_fresh',
  output_image Nullable(Decimal(18, 12)) COMMENT 'USD per token, NULL = as output',
  n_web_search Nullable(Decimal(18, 12)) COMMENT 'USD per search',
  n_file_search Nullable(Decimal(18, 12)) COMMENT 'USD per search',
  request Nullable(Decimal(18, 12)) COMMENT 'USD per request',
  ver UInt64 COMMENT 'Order of writing, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (provider, model, variant, region, tier_start, valid_from, price_id)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Price book: never edited, only added to';

CREATE TABLE IF NOT EXISTS price_ranges (
  vintage LowCardinality(String) COMMENT 'booked',
  provider LowCardinality(String) COMMENT 'Provider as billed',
  model String COMMENT 'Model as billed',
  variant LowCardinality(String) COMMENT 'Price variant',
  region LowCardinality(String) COMMENT 'Billing region',
  valid_from DateTime('UTC') COMMENT 'First second',
  valid_to DateTime('UTC') COMMENT 'Last second; before valid_from = withdrawn',
  id0 UInt32 COMMENT 'Price below the first tier start',
  start1 Int64 COMMENT 'First tier start, 2^62 = none',
  id1 UInt32 COMMENT 'Price above it',
  start2 Int64 COMMENT 'Second tier start, 2^62 = none',
  id2 UInt32 COMMENT 'Price above it',
  flags UInt16 COMMENT 'As in prices',
  key UInt64 MATERIALIZED cityHash64(provider, model, variant, region) COMMENT 'What price_at looks up',
  ver UInt64 COMMENT 'Order of writing, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (vintage, provider, model, variant, region, valid_from)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Which price a name as billed has in force when; no overlap, frozen once booked';

CREATE VIEW IF NOT EXISTS booked_ranges AS
SELECT key, valid_from, valid_to, id0, start1, id1, start2, id2, flags
FROM price_ranges FINAL WHERE vintage = 'booked' AND valid_to >= valid_from;

CREATE OR REPLACE DICTIONARY price_at (
  key UInt64, valid_from DateTime('UTC'), valid_to DateTime('UTC'),
  id0 UInt32, start1 Int64, id1 UInt32, start2 Int64, id2 UInt32, flags UInt16
) PRIMARY KEY key
SOURCE(CLICKHOUSE(HOST '127.0.0.1' TABLE 'booked_ranges'))
LAYOUT(RANGE_HASHED()) RANGE(MIN valid_from MAX valid_to) LIFETIME(0);

CREATE OR REPLACE DICTIONARY price_of (
  price_id UInt64,
  input_fresh Nullable(Decimal(18, 12)), cache_read Nullable(Decimal(18, 12)),
  cache_write_short Nullable(Decimal(18, 12)), cache_write_long Nullable(Decimal(18, 12)),
  cache_write_other Nullable(Decimal(18, 12)), output Nullable(Decimal(18, 12)),
  output_reasoning Nullable(Decimal(18, 12)), input_audio Nullable(Decimal(18, 12)),
  output_audio Nullable(Decimal(18, 12)), input_image Nullable(Decimal(18, 12)),
  output_image Nullable(Decimal(18, 12)), n_web_search Nullable(Decimal(18, 12)),
  n_file_search Nullable(Decimal(18, 12)), request Nullable(Decimal(18, 12))
) PRIMARY KEY price_id
SOURCE(CLICKHOUSE(HOST '127.0.0.1' TABLE 'prices')) LAYOUT(HASHED()) LIFETIME(0);
