-- API money of each hour, and the middle of the same hour of the week in the four weeks before it, where three of them are known.
SELECT time, spent, if(length(usual) >= 3, arrayElement(arraySort(usual), intDiv(length(usual), 2) + 1), NULL) AS expected
FROM (
  SELECT toDateTime(hour + toIntervalWeek(weeks), 'UTC') AS time, countIf(weeks = 0) AS there, sumIf(usd, weeks = 0) AS spent,
    groupArrayIf(usd, weeks > 0 AND usd > 0) AS usual
  FROM (
    SELECT hour, sum(usd) AS usd FROM v_cost_hourly
    WHERE side = 'api' AND vintage = 'booked' AND component != 'overhead' AND hour >= {from:DateTime} - toIntervalWeek(4) AND hour < {to:DateTime} AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}) AND (empty({provider:Array(String)}) OR provider IN {provider:Array(String)}) AND (empty({model:Array(String)}) OR model IN {model:Array(String)})
    GROUP BY hour)
  ARRAY JOIN [0, 1, 2, 3, 4] AS weeks
  WHERE time >= {from:DateTime} AND time < {to:DateTime}
  GROUP BY time HAVING there > 0)
ORDER BY time
