-- Rebuild hours of gpu_readings_hourly from samples; devices that vanished fall to zero.
INSERT INTO gpu_readings_hourly
SELECT hour, node, gpu, slice, source, sum(readings), sum(util_n), sum(util_sum), sum(mem_n), sum(mem_sum), sum(power_n), sum(power_sum), max(hottest),
  {ver:UInt64}
FROM (
  SELECT toStartOfHour(toDateTime(s.at, 'UTC')) AS hour, s.node AS node, s.gpu AS gpu, s.slice AS slice, s.source AS source, toInt64(count()) AS readings,
    toInt64(count(s.util)) AS util_n, sum(toFloat64(ifNull(s.util, 0))) AS util_sum, toInt64(count(s.mem_mib)) AS mem_n,
    sum(toFloat64(ifNull(s.mem_mib, 0))) AS mem_sum, toInt64(count(s.power_w)) AS power_n, sum(toFloat64(ifNull(s.power_w, 0))) AS power_sum,
    max(s.temperature) AS hottest
  FROM gpu_samples AS s FINAL WHERE toStartOfHour(s.at) IN {hours:Array(DateTime('UTC'))} GROUP BY hour, node, gpu, slice, source
  UNION ALL
  SELECT hour, node, gpu, slice, source, toInt64(0), toInt64(0), toFloat64(0), toInt64(0), toFloat64(0), toInt64(0), toFloat64(0), CAST(NULL, 'Nullable(Float32)')
  FROM gpu_readings_hourly FINAL WHERE hour IN {hours:Array(DateTime('UTC'))})
GROUP BY hour, node, gpu, slice, source
