-- Time to the first token and to the end, middle and 95th percentile of successful attempts, by bucket, none where it is not told.
SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time,
  quantileTDigestOrNullIf(0.5)(ttft_ms / 1000, isNotNull(ttft_ms)) AS first_p50, quantileTDigestOrNullIf(0.95)(ttft_ms / 1000, isNotNull(ttft_ms)) AS first_p95,
  quantileTDigestOrNullIf(0.5)(latency_ms / 1000, isNotNull(latency_ms)) AS whole_p50, quantileTDigestOrNullIf(0.95)(latency_ms / 1000, isNotNull(latency_ms)) AS whole_p95
FROM v_requests
WHERE side = 'api' AND status < 400 AND at >= {from:DateTime} AND at < {to:DateTime}
  AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}) AND (empty({provider:Array(String)}) OR provider IN {provider:Array(String)}) AND (empty({model:Array(String)}) OR model IN {model:Array(String)})
GROUP BY time ORDER BY time
