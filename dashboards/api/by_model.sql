-- API money by bucket and model, money of no model (overheads, unused commitments) under its own name.
SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, if(model = '', component, model) AS series, sum(usd) AS value
FROM cost_periods
WHERE side = 'api' AND vintage = 'booked' AND hour >= {from:DateTime} AND hour < {to:DateTime}
      AND ({bucket:UInt32} % 86400 = 0 AND whole AND day >= {from:DateTime} AND next_day <= {to:DateTime}
        OR NOT whole AND ({bucket:UInt32} % 86400 != 0 OR day < {from:DateTime} OR next_day > {to:DateTime}))
  AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}) AND (empty({provider:Array(String)}) OR provider IN {provider:Array(String)}) AND (empty({model:Array(String)}) OR model IN {model:Array(String)})
GROUP BY time, series ORDER BY time, series
