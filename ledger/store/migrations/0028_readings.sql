-- Readings of GPUs by hour, and how long prompts and answers are: panels over weeks read these, not millions of facts.

CREATE TABLE IF NOT EXISTS gpu_readings_hourly (
  hour DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Start of the hour in which readings end, UTC',
  node LowCardinality(String) COMMENT 'Host',
  gpu LowCardinality(String) COMMENT 'UUID of the device',
  slice LowCardinality(String) COMMENT 'UUID of the MIG instance, empty for a whole GPU',
  source LowCardinality(String) COMMENT 'Who measured',
  readings Int64 CODEC(T64, ZSTD(1)) COMMENT 'Readings',
  util_n Int64 CODEC(T64, ZSTD(1)) COMMENT 'Readings that tell utilisation',
  util_sum Float64 CODEC(ZSTD(1)) COMMENT 'Sum of their utilisation, 0 to 100 each',
  mem_n Int64 CODEC(T64, ZSTD(1)) COMMENT 'Readings that tell memory in use',
  mem_mib_sum Float64 CODEC(ZSTD(1)) COMMENT 'Sum of it, MiB',
  power_n Int64 CODEC(T64, ZSTD(1)) COMMENT 'Readings that tell power',
  power_w_sum Float64 CODEC(ZSTD(1)) COMMENT 'Sum of it, watts',
  temperature_max Nullable(Float32) CODEC(ZSTD(1)) COMMENT 'Highest temperature, degrees Celsius, NULL = nobody tells',
  ver UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'Order of computation, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(hour) ORDER BY (hour, node, gpu, slice, source)
COMMENT 'Readings of each GPU by hour';

INSERT INTO gpu_readings_hourly
SELECT toStartOfHour(toDateTime(s.at, 'UTC')) AS hour, s.node, s.gpu, s.slice, s.source, count(), count(s.util), sum(toFloat64(ifNull(s.util, 0))),
  count(s.mem_mib), sum(toFloat64(ifNull(s.mem_mib, 0))), count(s.power_w), sum(toFloat64(ifNull(s.power_w, 0))), max(s.temperature), max(s.ver)
FROM gpu_samples AS s FINAL GROUP BY hour, s.node, s.gpu, s.slice, s.source SETTINGS max_partitions_per_insert_block = 0;

CREATE VIEW IF NOT EXISTS v_gpu_readings_hourly AS
SELECT hour, node, gpu, slice, source, readings, util_n, util_sum, mem_n, mem_mib_sum, power_n, power_w_sum, temperature_max
FROM gpu_readings_hourly FINAL WHERE readings != 0;

ALTER TABLE v_gpu_readings_hourly
  COMMENT COLUMN hour 'Start of the hour in which readings end, UTC',
  COMMENT COLUMN node 'Host',
  COMMENT COLUMN gpu 'UUID of the device',
  COMMENT COLUMN slice 'UUID of the MIG instance, empty for a whole GPU',
  COMMENT COLUMN source 'Who measured',
  COMMENT COLUMN readings 'Readings',
  COMMENT COLUMN util_n 'Readings that tell utilisation',
  COMMENT COLUMN util_sum 'Sum of their utilisation, 0 to 100 each',
  COMMENT COLUMN mem_n 'Readings that tell memory in use',
  COMMENT COLUMN mem_mib_sum 'Sum of it, MiB',
  COMMENT COLUMN power_n 'Readings that tell power',
  COMMENT COLUMN power_w_sum 'Sum of it, watts',
  COMMENT COLUMN temperature_max 'Highest temperature, degrees Celsius, NULL = nobody tells';

CREATE TABLE IF NOT EXISTS lengths_hourly (
  hour DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Start of the hour, UTC',
  workload LowCardinality(String) COMMENT 'Workload',
  prompts Map(UInt8, UInt64) CODEC(ZSTD(1)) COMMENT 'Attempts by length of the input: step n holds more than 2^(n-1) and at most 2^n tokens',
  answers Map(UInt8, UInt64) CODEC(ZSTD(1)) COMMENT 'The same of the output',
  ver UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'Order of computation, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(hour) ORDER BY (workload, hour)
COMMENT 'Lengths of prompts and answers by hour and workload';

INSERT INTO lengths_hourly
SELECT toStartOfHour(toDateTime(r.at, 'UTC')) AS hour, r.workload AS workload,
  mapFilter((step, n) -> n > 0, mapFromArrays(CAST(range(64), 'Array(UInt8)'), countResampleIf(0, 64, 1)(toUInt8(ceil(log2(greatest(r.total_input, 1)))), r.total_input > 0))),
  mapFilter((step, n) -> n > 0, mapFromArrays(CAST(range(64), 'Array(UInt8)'), countResampleIf(0, 64, 1)(toUInt8(ceil(log2(greatest(r.output, 1)))), r.output > 0))),
  0
FROM v_requests AS r GROUP BY hour, workload SETTINGS max_partitions_per_insert_block = 0;

CREATE VIEW IF NOT EXISTS v_lengths_hourly AS
SELECT hour, workload, prompts, answers FROM lengths_hourly FINAL WHERE notEmpty(prompts) OR notEmpty(answers);

ALTER TABLE v_lengths_hourly
  COMMENT COLUMN hour 'Start of the hour, UTC',
  COMMENT COLUMN workload 'Workload',
  COMMENT COLUMN prompts 'Attempts by length of the input: step n holds more than 2^(n-1) and at most 2^n tokens',
  COMMENT COLUMN answers 'The same of the output';
