-- Time to the first token and to the end, middle and 95th percentile of successful attempts, by bucket, none where it is not told,
-- buckets of an hour and more read the counts by hour and day (within 4.9 %), shorter ones the requests.
SELECT time, quantileExactWeightedOrNullIf(0.5)(s, n, what = 'ttft') AS first_p50, quantileExactWeightedOrNullIf(0.95)(s, n, what = 'ttft') AS first_p95,
  quantileExactWeightedOrNullIf(0.5)(s, n, what = 'latency') AS whole_p50, quantileExactWeightedOrNullIf(0.95)(s, n, what = 'latency') AS whole_p95
FROM (
  SELECT time, what, (pow(1.1, bucket.1 + 0.5) - 1) / 1000 AS s, bucket.2 AS n
  FROM (
    SELECT time, pair.1 AS what, pair.2 AS counts
    FROM (
      SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, sumMap(ttft_log) AS firsts, sumMap(latency_log) AS wholes
      FROM latency_periods
      WHERE {bucket:UInt32} >= 3600 AND side = 'api' AND hour >= {from:DateTime} AND hour < {to:DateTime}
        AND ({bucket:UInt32} % 86400 = 0 AND whole AND day >= {from:DateTime} AND next_day <= {to:DateTime}
          OR NOT whole AND ({bucket:UInt32} % 86400 != 0 OR day < {from:DateTime} OR next_day > {to:DateTime}))
        AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}) AND (empty({provider:Array(String)}) OR provider IN {provider:Array(String)}) AND (empty({model:Array(String)}) OR model IN {model:Array(String)})
      GROUP BY time)
    ARRAY JOIN [('ttft', firsts), ('latency', wholes)] AS pair)
  ARRAY JOIN CAST(counts, 'Array(Tuple(UInt8, UInt64))') AS bucket
  UNION ALL
  SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})), pair.1, pair.2 / 1000, toUInt64(1)
  FROM v_requests ARRAY JOIN [('ttft', ttft_ms), ('latency', latency_ms)] AS pair
  WHERE {bucket:UInt32} < 3600 AND side = 'api' AND status < 400 AND isNotNull(pair.2) AND at >= {from:DateTime} AND at < {to:DateTime}
    AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}) AND (empty({provider:Array(String)}) OR provider IN {provider:Array(String)}) AND (empty({model:Array(String)}) OR model IN {model:Array(String)}))
GROUP BY time ORDER BY time
