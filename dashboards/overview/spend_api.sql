-- API money in the period before and in the range.
SELECT pair.1 AS time, pair.2 AS value FROM (
  SELECT sumOrNullIf(usd, hour < {from:DateTime}) AS before, sumOrNullIf(usd, hour >= {from:DateTime}) AS within
  FROM v_cost_hourly
  WHERE side = 'api' AND vintage = 'booked' AND hour >= {from:DateTime} - ({to:DateTime} - {from:DateTime}) AND hour < {to:DateTime}
    AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}))
ARRAY JOIN [({from:DateTime}, before), ({to:DateTime}, within)] AS pair
ORDER BY time
