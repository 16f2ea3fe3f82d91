-- Share of the KV cache that requests hold, by model server.
SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time, replica AS series, avg(kv_used) AS value
FROM v_engine_samples
WHERE up = 1 AND isNotNull(kv_used) AND toStartOfHour(at) >= toStartOfHour({from:DateTime}, 'UTC') AND at >= {from:DateTime} AND at < {to:DateTime} AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)})
  AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
GROUP BY time, series ORDER BY time, series
