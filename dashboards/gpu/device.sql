-- Share of time in which any kernel ran, by GPU: presence, not load, it reads 100 % on servers that wait.
SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time, gpu AS series, avg(util / 100) AS value
FROM gpu_samples FINAL
WHERE at >= {from:DateTime} AND at < {to:DateTime} AND slice = ''
  AND (empty({pool:Array(String)}) OR gpu IN (SELECT gpu FROM v_gpu_hourly WHERE pool IN {pool:Array(String)}))
  AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
GROUP BY time, series ORDER BY time, series
