-- Time to the first token and to the end, middle and 95th percentile of successful attempts, by bucket, none where it is not told,
-- buckets of an hour and more read the hourly counts (within 4.9 %), shorter ones the requests.
SELECT time, quantileExactWeightedOrNullIf(0.5)(s, n, what = 'ttft') AS first_p50, quantileExactWeightedOrNullIf(0.95)(s, n, what = 'ttft') AS first_p95,
  quantileExactWeightedOrNullIf(0.5)(s, n, what = 'latency') AS whole_p50, quantileExactWeightedOrNullIf(0.95)(s, n, what = 'latency') AS whole_p95
FROM (
  SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, what, ms / 1000 AS s, attempts AS n
  FROM v_latency_hourly
  WHERE {bucket:UInt32} >= 3600 AND side = 'api' AND hour >= {from:DateTime} AND hour < {to:DateTime}
    AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}) AND (empty({provider:Array(String)}) OR provider IN {provider:Array(String)}) AND (empty({model:Array(String)}) OR model IN {model:Array(String)})
  UNION ALL
  SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})), pair.1, pair.2 / 1000, toUInt64(1)
  FROM v_requests ARRAY JOIN [('ttft', ttft_ms), ('latency', latency_ms)] AS pair
  WHERE {bucket:UInt32} < 3600 AND side = 'api' AND status < 400 AND isNotNull(pair.2) AND at >= {from:DateTime} AND at < {to:DateTime}
    AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}) AND (empty({provider:Array(String)}) OR provider IN {provider:Array(String)}) AND (empty({model:Array(String)}) OR model IN {model:Array(String)}))
GROUP BY time ORDER BY time
