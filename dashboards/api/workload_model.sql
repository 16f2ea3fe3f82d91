-- What each workload spends on each API model: requests, tokens, money, share, change against the period before.
SELECT c.workload AS workload, c.model AS model, u.requests AS requests, u.tokens AS tokens, c.within AS cost,
  toFloat64(c.within) * 1000 / nullIf(u.successful, 0) AS per_1k, toFloat64(c.within) / nullIf(sum(toFloat64(c.within)) OVER (), 0) AS share,
  toFloat64(c.within - c.before) / nullIf(toFloat64(c.before), 0) AS change
FROM (
  SELECT workload, model, sumIf(usd, hour < {from:DateTime}) AS before, sumIf(usd, hour >= {from:DateTime}) AS within FROM cost_periods
  WHERE side = 'api' AND vintage = 'booked' AND model != '' AND hour >= {from:DateTime} - ({to:DateTime} - {from:DateTime}) AND hour < {to:DateTime}
      AND (whole AND day >= {from:DateTime} - ({to:DateTime} - {from:DateTime}) AND next_day <= {to:DateTime} AND (day >= {from:DateTime} OR next_day <= {from:DateTime})
        OR NOT whole AND (day < {from:DateTime} - ({to:DateTime} - {from:DateTime}) OR next_day > {to:DateTime} OR day < {from:DateTime} AND next_day > {from:DateTime}))
    AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}) AND (empty({provider:Array(String)}) OR provider IN {provider:Array(String)}) AND (empty({model:Array(String)}) OR model IN {model:Array(String)})
  GROUP BY workload, model) AS c
LEFT JOIN (
  SELECT workload, model, if(sum(uncounted_tokens) > 0, NULL, sum(requests)) AS requests, sum(total_input + output) AS tokens,
    if(sum(uncounted_tokens) > 0, NULL, sum(successful_requests)) AS successful
  FROM usage_periods
  WHERE side = 'api' AND hour >= {from:DateTime} AND hour < {to:DateTime}
      AND (whole AND day >= {from:DateTime} AND next_day <= {to:DateTime} OR NOT whole AND (day < {from:DateTime} OR next_day > {to:DateTime}))
    AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}) AND (empty({provider:Array(String)}) OR provider IN {provider:Array(String)}) AND (empty({model:Array(String)}) OR model IN {model:Array(String)})
  GROUP BY workload, model) AS u ON u.workload = c.workload AND u.model = c.model
WHERE c.within != 0
ORDER BY cost DESC, workload, model LIMIT 200
