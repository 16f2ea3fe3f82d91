-- Metered API money of each provider in calendar months (UTC) up to an hour, at the prices of a vintage.
SELECT provider, toStartOfMonth(hour, 'UTC') AS month, sum(usd) AS metered
FROM v_cost_vintages
WHERE vintage = {vintage:String} AND side = 'api' AND component NOT IN ('overhead', 'commitment_unused')
  AND hour < {closed:DateTime('UTC')} AND toStartOfMonth(hour, 'UTC') IN {months:Array(Date)}
GROUP BY provider, month ORDER BY provider, month
