-- Degrees of each GPU, the highest reading in a bucket. Buckets of an hour and more read the readings by hour.
SELECT time, gpu AS series, max(degrees) AS value
FROM (
  SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, gpu, temperature_max AS degrees
  FROM v_gpu_readings_hourly
  WHERE {bucket:UInt32} >= 3600 AND hour >= {from:DateTime} AND hour < {to:DateTime} AND slice = ''
    AND (empty({pool:Array(String)}) OR gpu IN (SELECT gpu FROM v_gpu_hourly WHERE pool IN {pool:Array(String)}))
    AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
  UNION ALL
  SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time, gpu, temperature AS degrees
  FROM gpu_samples FINAL
  WHERE {bucket:UInt32} < 3600 AND toStartOfHour(at) >= toStartOfHour({from:DateTime}, 'UTC') AND at >= {from:DateTime} AND at < {to:DateTime} AND slice = ''
    AND (empty({pool:Array(String)}) OR gpu IN (SELECT gpu FROM v_gpu_hourly WHERE pool IN {pool:Array(String)}))
    AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
)
GROUP BY time, series HAVING isNotNull(value) ORDER BY time, series
