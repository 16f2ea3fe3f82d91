-- Models used without a price in the range: tokens counted, money unknown.
SELECT provider, model, tier AS variant, sum(unpriced_attempts) AS attempts, sum(unpriced_tokens) AS tokens, max(hour) AS last
FROM v_usage_hourly
WHERE side = 'api' AND unpriced_tokens > 0 AND hour >= {from:DateTime} AND hour < {to:DateTime}
  AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}) AND (empty({provider:Array(String)}) OR provider IN {provider:Array(String)}) AND (empty({model:Array(String)}) OR model IN {model:Array(String)})
GROUP BY provider, model, variant ORDER BY tokens DESC LIMIT 200
