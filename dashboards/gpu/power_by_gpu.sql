-- Watts of each GPU, mean of its readings in a bucket, none where it does not tell.
SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time, gpu AS series, avg(power_w) AS value
FROM gpu_samples FINAL
WHERE at >= {from:DateTime} AND at < {to:DateTime} AND slice = ''
  AND (empty({pool:Array(String)}) OR gpu IN (SELECT gpu FROM v_gpu_hourly WHERE pool IN {pool:Array(String)}))
  AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
GROUP BY time, series ORDER BY time, series
