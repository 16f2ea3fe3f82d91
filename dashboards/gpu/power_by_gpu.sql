-- Watts of each GPU, mean of its readings in a bucket, none where it does not tell. Buckets of an hour and more read the readings by hour.
SELECT time, gpu AS series, sum(total) / nullIf(sum(n), 0) AS value
FROM (
  SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, gpu, power_w_sum AS total, power_n AS n
  FROM v_gpu_readings_hourly
  WHERE {bucket:UInt32} >= 3600 AND hour >= {from:DateTime} AND hour < {to:DateTime} AND slice = ''
    AND (empty({pool:Array(String)}) OR gpu IN (SELECT gpu FROM v_gpu_hourly WHERE pool IN {pool:Array(String)}))
    AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
  UNION ALL
  SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time, gpu, toFloat64(power_w) AS total, toInt64(isNotNull(power_w)) AS n
  FROM gpu_samples FINAL
  WHERE {bucket:UInt32} < 3600 AND toStartOfHour(at) >= toStartOfHour({from:DateTime}, 'UTC') AND at >= {from:DateTime} AND at < {to:DateTime} AND slice = ''
    AND (empty({pool:Array(String)}) OR gpu IN (SELECT gpu FROM v_gpu_hourly WHERE pool IN {pool:Array(String)}))
    AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
)
GROUP BY time, series ORDER BY time, series
