-- Time to the first token of successful attempts on each side, and the objective that was typed,
-- buckets of an hour and more read the counts by hour and day (within 4.9 %), shorter ones the requests.
SELECT time, pair.1 AS series, pair.2 AS value
FROM (
  SELECT time, place, quantileExactWeighted(0.5)(s, n) AS middle, quantileExactWeighted(0.95)(s, n) AS late
  FROM (
    SELECT time, place, (pow(1.1, bucket.1 + 0.5) - 1) / 1000 AS s, bucket.2 AS n
    FROM (
      SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, if(side = 'api', 'API', 'Own GPUs') AS place, sumMap(ttft_log) AS counts
      FROM latency_periods
      WHERE {bucket:UInt32} >= 3600 AND workload = {workload:String} AND hour >= {from:DateTime} AND hour < {to:DateTime}
        AND ({bucket:UInt32} % 86400 = 0 AND whole AND day >= {from:DateTime} AND next_day <= {to:DateTime}
          OR NOT whole AND ({bucket:UInt32} % 86400 != 0 OR day < {from:DateTime} OR next_day > {to:DateTime}))
      GROUP BY time, place)
    ARRAY JOIN CAST(counts, 'Array(Tuple(UInt8, UInt64))') AS bucket
    UNION ALL
    SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})), if(side = 'api', 'API', 'Own GPUs'), ifNull(ttft_ms, 0) / 1000, toUInt64(1)
    FROM v_requests
    WHERE {bucket:UInt32} < 3600 AND workload = {workload:String} AND status < 400 AND isNotNull(ttft_ms) AND at >= {from:DateTime} AND at < {to:DateTime})
  GROUP BY time, place)
ARRAY JOIN [(concat(place, ', p50'), middle), (concat(place, ', p95'), late), ('Objective', {slo_ttft:Float64})] AS pair
GROUP BY time, series, value
ORDER BY time, series
