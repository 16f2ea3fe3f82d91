-- Metered API money of each provider in calendar months (UTC) up to an hour, and the hours that hold unused commitments.
SELECT provider, toStartOfMonth(hour, 'UTC') AS month,
  sumIf(usd, component NOT IN ('overhead', 'commitment_unused') AND hour < {closed:DateTime('UTC')}) AS metered,
  groupUniqArrayIf(hour, component = 'commitment_unused') AS booked
FROM v_cost_hourly
WHERE side = 'api' AND toStartOfMonth(hour, 'UTC') IN {months:Array(Date)}
GROUP BY provider, month ORDER BY provider, month
