-- All money of our own pools in the period before and in the range.
SELECT pair.1 AS time, pair.2 AS value FROM (
  SELECT sumOrNullIf(usd, hour < {from:DateTime}) AS before, sumOrNullIf(usd, hour >= {from:DateTime}) AS within
  FROM cost_periods
  WHERE side = 'self_hosted' AND vintage = 'booked' AND hour >= {from:DateTime} - ({to:DateTime} - {from:DateTime}) AND hour < {to:DateTime}
      AND (whole AND day >= {from:DateTime} - ({to:DateTime} - {from:DateTime}) AND next_day <= {to:DateTime} AND (day >= {from:DateTime} OR next_day <= {from:DateTime})
        OR NOT whole AND (day < {from:DateTime} - ({to:DateTime} - {from:DateTime}) OR next_day > {to:DateTime} OR day < {from:DateTime} AND next_day > {from:DateTime}))
    AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}))
ARRAY JOIN [({from:DateTime}, before), ({to:DateTime}, within)] AS pair
ORDER BY time
