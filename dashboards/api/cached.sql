-- Share of input tokens read from a cache, before and in the range.
SELECT pair.1 AS time, pair.2 AS value FROM (
  SELECT
    sumIf(cache_read, hour < {from:DateTime}) / nullIf(sumIf(total_input, hour < {from:DateTime}), 0) AS before,
    sumIf(cache_read, hour >= {from:DateTime}) / nullIf(sumIf(total_input, hour >= {from:DateTime}), 0) AS within
  FROM usage_periods
  WHERE side = 'api' AND hour >= {from:DateTime} - ({to:DateTime} - {from:DateTime}) AND hour < {to:DateTime}
      AND (whole AND day >= {from:DateTime} - ({to:DateTime} - {from:DateTime}) AND next_day <= {to:DateTime} AND (day >= {from:DateTime} OR next_day <= {from:DateTime})
        OR NOT whole AND (day < {from:DateTime} - ({to:DateTime} - {from:DateTime}) OR next_day > {to:DateTime} OR day < {from:DateTime} AND next_day > {from:DateTime}))
    AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}) AND (empty({provider:Array(String)}) OR provider IN {provider:Array(String)}) AND (empty({model:Array(String)}) OR model IN {model:Array(String)}))
ARRAY JOIN [({from:DateTime}, before), ({to:DateTime}, within)] AS pair
ORDER BY time
