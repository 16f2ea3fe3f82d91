-- Rebuild hours of lengths_hourly from requests; workloads that vanished are left with nothing.
INSERT INTO lengths_hourly
SELECT hour, workload, sumMap(prompts), sumMap(answers), {ver:UInt64} FROM (
  SELECT toStartOfHour(toDateTime(r.at, 'UTC')) AS hour, r.workload AS workload,
    mapFilter((step, n) -> n > 0, mapFromArrays(CAST(range(64), 'Array(UInt8)'), countResampleIf(0, 64, 1)(toUInt8(ceil(log2(greatest(r.total_input, 1)))), r.total_input > 0))) AS prompts,
    mapFilter((step, n) -> n > 0, mapFromArrays(CAST(range(64), 'Array(UInt8)'), countResampleIf(0, 64, 1)(toUInt8(ceil(log2(greatest(r.output, 1)))), r.output > 0))) AS answers
  FROM v_requests AS r WHERE toStartOfHour(r.at) IN {hours:Array(DateTime('UTC'))} GROUP BY hour, workload
  UNION ALL
  SELECT hour, workload, CAST(map(), 'Map(UInt8, UInt64)'), CAST(map(), 'Map(UInt8, UInt64)') FROM lengths_hourly FINAL
  WHERE hour IN {hours:Array(DateTime('UTC'))})
GROUP BY hour, workload
