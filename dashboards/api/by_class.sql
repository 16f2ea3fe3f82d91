-- API money by bucket and what it was for: token classes, fees, failed and repeated attempts, overheads.
SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, component AS series, sum(usd) AS value
FROM v_cost_hourly
WHERE side = 'api' AND vintage = 'booked' AND hour >= {from:DateTime} AND hour < {to:DateTime}
  AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)})
GROUP BY time, series ORDER BY time, series
