-- Time to the first token of successful attempts on each side, and the objective that was typed.
SELECT time, series, value FROM (
  SELECT time, pair.1 AS series, pair.2 AS value
  FROM (
    SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time, if(side = 'api', 'API', 'Own GPUs') AS place,
      quantileTDigestOrNull(0.5)(ttft_ms / 1000) AS middle, quantileTDigestOrNull(0.95)(ttft_ms / 1000) AS late
    FROM v_requests
    WHERE workload = {workload:String} AND status < 400 AND at >= {from:DateTime} AND at < {to:DateTime} AND isNotNull(ttft_ms)
    GROUP BY time, place)
  ARRAY JOIN [(concat(place, ', p50'), middle), (concat(place, ', p95'), late)] AS pair
  UNION ALL
  SELECT DISTINCT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time, 'Objective' AS series, {slo_ttft:Float64} AS value FROM v_requests
  WHERE workload = {workload:String} AND status < 400 AND at >= {from:DateTime} AND at < {to:DateTime} AND isNotNull(ttft_ms))
ORDER BY time, series
