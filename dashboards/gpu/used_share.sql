-- Share of each pool's GPU time that measured work filled, by bucket, unknown time is in the whole.
SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, pool AS series,
  sumIf(used_s, state IN ('serving', 'serving_low')) / nullIf(sum(seconds), 0) AS value
FROM v_gpu_hourly
WHERE hour >= {from:DateTime} AND hour < {to:DateTime}
  AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)}) AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
GROUP BY time, series ORDER BY time, series
