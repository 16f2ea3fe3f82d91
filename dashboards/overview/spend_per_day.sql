-- Money of both sides by bucket and what it went to.
SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time,
  multiIf(component = 'overhead', 'Overhead', component = 'commitment_unused', 'API, committed and unused', side = 'api' AND component = 'retries_failed', 'API, failed and retried', side = 'api', 'API',
    component IN ('gpu_used', 'gpu_other_use'), 'GPU used', component IN ('gpu_headroom', 'gpu_warm_idle', 'gpu_spare'), 'GPU loaded, unused',
    component = 'gpu_unallocated', 'GPU empty', 'GPU unknown') AS series,
  sum(usd) AS value
FROM cost_periods
WHERE hour >= {from:DateTime} AND hour < {to:DateTime}
      AND ({bucket:UInt32} % 86400 = 0 AND whole AND day >= {from:DateTime} AND next_day <= {to:DateTime}
        OR NOT whole AND ({bucket:UInt32} % 86400 != 0 OR day < {from:DateTime} OR next_day > {to:DateTime})) AND vintage = 'booked'
  AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)})
GROUP BY time, series ORDER BY time, series
