-- Metered against billed, by day and provider: derived, rebuilt whenever either side changes.

CREATE TABLE IF NOT EXISTS fx_rates (
  currency LowCardinality(String) COMMENT 'ISO 4217',
  valid_from DateTime('UTC') COMMENT 'From when the rate holds, until the next one',
  usd Decimal(18, 12) COMMENT 'USD for one unit of the currency',
  recorded_at DateTime64(3, 'UTC') COMMENT 'When it was declared',
  ver UInt64 COMMENT 'Order of loading, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (currency, valid_from, recorded_at)
COMMENT 'Declared exchange rates; the one of the charge day converts, a later one changes nothing before it';

CREATE TABLE IF NOT EXISTS reconciliation (
  day Date COMMENT 'UTC day',
  provider LowCardinality(String) COMMENT 'Who bills',
  account String COMMENT 'Accounts in the bill',
  metered Decimal(38, 12) COMMENT 'USD of the requests that we know, booked prices',
  billed Decimal(38, 12) COMMENT 'USD that the provider bills',
  boundary Decimal(38, 12) COMMENT 'USD billed in another day than used',
  missing_usage Decimal(38, 12) COMMENT 'USD of usage that the provider tells and we did not meter',
  price Decimal(38, 12) COMMENT 'USD by which the bill has other prices than our book',
  discount Decimal(38, 12) COMMENT 'USD of a factor that the whole bill shows',
  tax Decimal(38, 12) COMMENT 'USD of taxes',
  credit Decimal(38, 12) COMMENT 'USD of credits',
  fee Decimal(38, 12) COMMENT 'USD of purchases and adjustments',
  unknown Decimal(38, 12) COMMENT 'USD that nothing explains',
  discount_factor Nullable(Decimal(38, 12)) COMMENT 'Billed over list price, offered and never applied',
  is_final UInt8 COMMENT '1 once the provider says that the bill will not change soon',
  ver UInt64 COMMENT 'Recompute, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(day) ORDER BY (day, provider)
COMMENT 'Metered against billed; the causes add up to billed − metered';

CREATE VIEW IF NOT EXISTS v_reconciliation AS
SELECT day, provider, account, metered, billed, billed - metered AS residual, boundary, missing_usage, price, discount, tax, credit, fee,
  unknown, discount_factor, is_final
FROM reconciliation FINAL WHERE metered != 0 OR billed != 0;

CREATE VIEW IF NOT EXISTS v_charges AS
SELECT source, account, provider, start, end, charge_category, line, model, token_class, project, key, tier, resource, billed_cost,
  effective_cost, list_cost, currency, quantity, unit, billing_period, origin, about_models, is_final
FROM charges FINAL;

CREATE VIEW IF NOT EXISTS v_usage_buckets AS
SELECT source, account, provider, view, start, width_s, model, project, key, tier, processing, context, input_fresh, cache_read,
  cache_write_short, cache_write_long, cache_write_other, output, n_requests, n_web_search, extra, is_final
FROM usage_buckets FINAL;
