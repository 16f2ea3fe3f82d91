-- Cost of a thousand successful requests of a workload on both sides: own GPUs with their unused time shared by work. The bucket that still runs is left out.
SELECT m.time AS time, m.series AS series, m.usd * 1000 / nullIf(if(u.uncounted = 0, u.successful, 0), 0) AS value
FROM (
  SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, 'API' AS series, toFloat64(sum(usd)) AS usd FROM cost_periods
  WHERE side = 'api' AND vintage = 'booked' AND workload = {workload:String} AND hour >= {from:DateTime} AND hour < {to:DateTime}
      AND ({bucket:UInt32} % 86400 = 0 AND whole AND day >= {from:DateTime} AND next_day <= {to:DateTime}
        OR NOT whole AND ({bucket:UInt32} % 86400 != 0 OR day < {from:DateTime} OR next_day > {to:DateTime}))
  GROUP BY time
  UNION ALL
  SELECT time, 'Own GPUs, all paid' AS series, sum(mine * paid / nullIf(used, 0)) AS usd FROM (
    SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, pool, toFloat64(sum(usd)) AS paid,
      toFloat64(sumIf(usd, component = 'gpu_used')) AS used, toFloat64(sumIf(usd, component = 'gpu_used' AND workload = {workload:String})) AS mine
    FROM cost_periods
    WHERE side = 'self_hosted' AND vintage = 'booked' AND hour >= {from:DateTime} AND hour < {to:DateTime}
      AND ({bucket:UInt32} % 86400 = 0 AND whole AND day >= {from:DateTime} AND next_day <= {to:DateTime}
        OR NOT whole AND ({bucket:UInt32} % 86400 != 0 OR day < {from:DateTime} OR next_day > {to:DateTime}))
    GROUP BY time, pool HAVING mine > 0)
  GROUP BY time) AS m
LEFT JOIN (
  SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, if(side = 'api', 'API', 'Own GPUs, all paid') AS series,
    sum(successful_requests) AS successful, sum(uncounted_tokens) AS uncounted FROM usage_periods
  WHERE workload = {workload:String} AND hour >= {from:DateTime} AND hour < {to:DateTime}
      AND ({bucket:UInt32} % 86400 = 0 AND whole AND day >= {from:DateTime} AND next_day <= {to:DateTime}
        OR NOT whole AND ({bucket:UInt32} % 86400 != 0 OR day < {from:DateTime} OR next_day > {to:DateTime}))
  GROUP BY time, series) AS u ON u.time = m.time AND u.series = m.series
WHERE m.time + toIntervalSecond({bucket:UInt32}) <= {to:DateTime} OR dateDiff('second', {from:DateTime}, {to:DateTime}) < 3 * {bucket:UInt32}
ORDER BY time, series
