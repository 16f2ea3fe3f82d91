-- Metered API money by hour of some days, without overheads.
SELECT toStartOfHour(hour) AS hour, sum(usd) AS usd FROM v_cost_hourly
WHERE side = 'api' AND vintage = 'booked' AND component NOT IN ('overhead', 'commitment_unused') AND hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')}
GROUP BY hour ORDER BY hour
