-- Memory in use on each GPU, GiB, servers take all of it at once, so it says nothing about load. Buckets of an hour and more read the readings by hour.
SELECT time, gpu AS series, sum(total) / nullIf(sum(n), 0) AS value
FROM (
  SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, gpu, mem_mib_sum / 1024 AS total, mem_n AS n
  FROM v_gpu_readings_hourly
  WHERE {bucket:UInt32} >= 3600 AND hour >= {from:DateTime} AND hour < {to:DateTime} AND slice = ''
    AND (empty({pool:Array(String)}) OR gpu IN (SELECT gpu FROM v_gpu_hourly WHERE pool IN {pool:Array(String)}))
    AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
  UNION ALL
  SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time, gpu, toFloat64(mem_mib) / 1024 AS total, toInt64(isNotNull(mem_mib)) AS n
  FROM gpu_samples FINAL
  WHERE {bucket:UInt32} < 3600 AND toStartOfHour(at) >= toStartOfHour({from:DateTime}, 'UTC') AND at >= {from:DateTime} AND at < {to:DateTime} AND slice = ''
    AND (empty({pool:Array(String)}) OR gpu IN (SELECT gpu FROM v_gpu_hourly WHERE pool IN {pool:Array(String)}))
    AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
)
GROUP BY time, series ORDER BY time, series
