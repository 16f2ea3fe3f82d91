-- Metered API money of some providers in calendar months (UTC) up to an hour.
SELECT provider, toStartOfMonth(hour, 'UTC') AS month, sumIf(usd, component NOT IN ('overhead', 'commitment_unused') AND hour < {closed:DateTime('UTC')}) AS metered
FROM v_cost_hourly
WHERE side = 'api' AND provider IN {providers:Array(String)} AND toStartOfMonth(hour, 'UTC') IN {months:Array(Date)}
GROUP BY provider, month ORDER BY provider, month
