-- Workloads by the money that they cost on both sides, metered API money and the used part of own GPUs, ten at most.
SELECT if(workload = '', 'no workload', workload) AS name, sum(usd) AS value
FROM cost_periods
WHERE vintage = 'booked' AND (side = 'api' OR component = 'gpu_used') AND hour >= {from:DateTime} AND hour < {to:DateTime}
      AND (whole AND day >= {from:DateTime} AND next_day <= {to:DateTime} OR NOT whole AND (day < {from:DateTime} OR next_day > {to:DateTime}))
  AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)})
GROUP BY name HAVING value > 0 ORDER BY value DESC, name LIMIT 10
