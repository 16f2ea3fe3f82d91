-- Requests by hour and the source that brought them, how many came late, how many repeat others: data health reads these, not the requests.

CREATE TABLE IF NOT EXISTS arrivals_hourly (
  hour DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Start of the hour, UTC',
  source LowCardinality(String) COMMENT 'What brought them',
  attempts Int64 CODEC(T64, ZSTD(1)) COMMENT 'Rows, repeats included',
  late Int64 CODEC(T64, ZSTD(1)) COMMENT 'Rows stored more than an hour after they happened, repeats left out',
  repeats Int64 CODEC(T64, ZSTD(1)) COMMENT 'Rows that tell what another row tells',
  ver UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'Order of computation, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(hour) ORDER BY (hour, source)
COMMENT 'Requests by hour and source';

INSERT INTO arrivals_hourly
SELECT toStartOfHour(r.at) AS hour, r.source AS source, count(), countIf(r.duplicate_of = 0 AND intDiv(r.ver, 1000000000) > toUInt32(r.at) + 3600),
  countIf(r.duplicate_of != 0), max(r.ver)
FROM requests AS r FINAL GROUP BY hour, source SETTINGS max_partitions_per_insert_block = 0;

CREATE VIEW IF NOT EXISTS v_arrivals_hourly AS
SELECT hour, source, attempts, late, repeats FROM arrivals_hourly FINAL WHERE attempts != 0;

ALTER TABLE v_arrivals_hourly
  COMMENT COLUMN hour 'Start of the hour, UTC',
  COMMENT COLUMN source 'What brought them',
  COMMENT COLUMN attempts 'Rows, repeats included',
  COMMENT COLUMN late 'Rows stored more than an hour after they happened, repeats left out',
  COMMENT COLUMN repeats 'Rows that tell what another row tells';
