-- Share of a workload's tokens by where they ran.
SELECT time, if(side = 'api', 'API', 'Own GPUs') AS series, tokens / nullIf(sum(tokens) OVER (PARTITION BY time), 0) AS value
FROM (
  SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, side, sum(total_input + output) AS tokens FROM usage_periods
  WHERE workload = {workload:String} AND hour >= {from:DateTime} AND hour < {to:DateTime}
      AND ({bucket:UInt32} % 86400 = 0 AND whole AND day >= {from:DateTime} AND next_day <= {to:DateTime}
        OR NOT whole AND ({bucket:UInt32} % 86400 != 0 OR day < {from:DateTime} OR next_day > {to:DateTime}))
  GROUP BY time, side)
ORDER BY time, series
