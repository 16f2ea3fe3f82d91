-- API money in the period before and in the range, a lower bound where tokens or their price are not known.
SELECT pair.1 AS time, pair.2 AS value, pair.3 AS lower_bound FROM (
  SELECT sumOrNullIf(usd, hour < {from:DateTime}) AS before, sumOrNullIf(usd, hour >= {from:DateTime}) AS within,
    max(missing AND hour < {from:DateTime}) AS before_missing, max(missing AND hour >= {from:DateTime}) AS within_missing
  FROM (
    SELECT hour, day, next_day, whole, workload, team, environment, provider, model, usd, false AS missing FROM cost_periods WHERE side = 'api' AND vintage = 'booked'
    UNION ALL
    SELECT hour, day, next_day, whole, workload, team, environment, provider, model, NULL AS usd, unpriced_tokens + no_usage > 0 AS missing FROM usage_periods WHERE side = 'api')
  WHERE hour >= {from:DateTime} - ({to:DateTime} - {from:DateTime}) AND hour < {to:DateTime}
      AND (whole AND day >= {from:DateTime} - ({to:DateTime} - {from:DateTime}) AND next_day <= {to:DateTime} AND (day >= {from:DateTime} OR next_day <= {from:DateTime})
        OR NOT whole AND (day < {from:DateTime} - ({to:DateTime} - {from:DateTime}) OR next_day > {to:DateTime} OR day < {from:DateTime} AND next_day > {from:DateTime}))
    AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}) AND (empty({provider:Array(String)}) OR provider IN {provider:Array(String)}) AND (empty({model:Array(String)}) OR model IN {model:Array(String)}))
ARRAY JOIN [({from:DateTime}, before, before_missing), ({to:DateTime}, within, within_missing)] AS pair
ORDER BY time
