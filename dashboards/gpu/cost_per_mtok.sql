-- Everything paid for the pools per million tokens that own deployments served, before and in the range.
SELECT pair.1 AS time, pair.2 AS value FROM (
  SELECT c.before * 1e6 / nullIf(u.before, 0) AS before, c.within * 1e6 / nullIf(u.within, 0) AS within
  FROM (
    SELECT toFloat64(sumIf(usd, hour < {from:DateTime})) AS before, toFloat64(sumIf(usd, hour >= {from:DateTime})) AS within FROM cost_periods
    WHERE side = 'self_hosted' AND vintage = 'booked' AND hour >= {from:DateTime} - ({to:DateTime} - {from:DateTime}) AND hour < {to:DateTime}
      AND (whole AND day >= {from:DateTime} - ({to:DateTime} - {from:DateTime}) AND next_day <= {to:DateTime} AND (day >= {from:DateTime} OR next_day <= {from:DateTime})
        OR NOT whole AND (day < {from:DateTime} - ({to:DateTime} - {from:DateTime}) OR next_day > {to:DateTime} OR day < {from:DateTime} AND next_day > {from:DateTime}))
      AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)})) AS c
  CROSS JOIN (
    SELECT sumIf(total_input + output, hour < {from:DateTime}) AS before, sumIf(total_input + output, hour >= {from:DateTime}) AS within FROM usage_periods
    WHERE side = 'self_hosted' AND hour >= {from:DateTime} - ({to:DateTime} - {from:DateTime}) AND hour < {to:DateTime}
      AND (whole AND day >= {from:DateTime} - ({to:DateTime} - {from:DateTime}) AND next_day <= {to:DateTime} AND (day >= {from:DateTime} OR next_day <= {from:DateTime})
        OR NOT whole AND (day < {from:DateTime} - ({to:DateTime} - {from:DateTime}) OR next_day > {to:DateTime} OR day < {from:DateTime} AND next_day > {from:DateTime}))
      AND (empty({pool:Array(String)}) OR deployment IN (SELECT name FROM deployments WHERE pool IN {pool:Array(String)}))) AS u)
ARRAY JOIN [({from:DateTime}, before), ({to:DateTime}, within)] AS pair
ORDER BY time
