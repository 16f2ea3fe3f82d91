-- Tokens a second that model servers took in and gave out, by bucket, as their counters tell.
SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time,
  sum(ifNull(input_fresh, 0) + ifNull(cache_read, 0)) / {bucket:UInt32} AS input, sum(ifNull(output, 0)) / {bucket:UInt32} AS output
FROM v_engine_samples
WHERE up = 1 AND toStartOfHour(at) >= toStartOfHour({from:DateTime}, 'UTC') AND at >= {from:DateTime} AND at < {to:DateTime}
  AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)}) AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
GROUP BY time ORDER BY time
