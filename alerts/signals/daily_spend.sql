-- Metered API money of every workload by UTC day, without overheads, over the last complete days.
SELECT workload, toDate(hour) AS day, sum(usd) AS usd FROM v_cost_hourly
WHERE side = 'api' AND vintage = 'booked' AND component NOT IN ('overhead', 'commitment_unused') AND hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')}
GROUP BY workload, day ORDER BY workload, day
