-- What breakeven says: verdicts with everything needed to explain them, and the values that alert rules read.

CREATE TABLE IF NOT EXISTS verdicts (
  at DateTime64(3, 'UTC') COMMENT 'Evaluated with data up to this instant',
  workload LowCardinality(String) COMMENT 'Workload',
  verdict LowCardinality(String) COMMENT 'api, self_hosted, hybrid, insufficient_data, insufficient_capacity, no_options',
  reason String COMMENT 'Why, in a sentence',
  current LowCardinality(String) COMMENT 'Where it runs now: api, self_hosted, hybrid',
  option LowCardinality(String) COMMENT 'Deployment that the verdict is about',
  replicas Nullable(UInt32) COMMENT 'Best number of replicas, the rest goes to the API',
  used_share_needed Nullable(Float64) COMMENT 'Break-even utilisation: a replica pays above it',
  used_share Nullable(Float64) COMMENT 'Utilisation of the first replica at this load',
  api_usd_month Nullable(Decimal(38, 12)) COMMENT 'USD in 720 h, all on the API, at current prices',
  candidate_usd_month Nullable(Decimal(38, 12)) COMMENT 'USD in 720 h at the best number of replicas',
  saving_usd_month Nullable(Decimal(38, 12)) COMMENT 'USD in 720 h saved against today',
  requests_month Nullable(Float64) COMMENT 'Successful requests in 720 h at this rate',
  coverage Nullable(Float64) COMMENT 'Share of the hours that are known',
  flips_at String COMMENT 'The one number that would change the verdict',
  details String COMMENT 'All figures, JSON',
  ver UInt64 COMMENT 'Order of writing, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(at) ORDER BY (workload, at)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'One evaluation of one workload a row';

CREATE TABLE IF NOT EXISTS signals (
  name LowCardinality(String) COMMENT 'What is watched',
  labels String COMMENT 'Of what, JSON',
  at DateTime64(3, 'UTC') COMMENT 'End of the period the value speaks of',
  value Nullable(Float64) COMMENT 'Value, NULL = unknown',
  ver UInt64 COMMENT 'Order of writing, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (name, labels)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Latest values that rules look at';
