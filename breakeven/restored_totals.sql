-- Booked money of each side, to be compared with that of the store that was copied.
SELECT side, sum(usd) AS usd, min(hour) AS first, max(hour) AS last FROM v_cost_hourly WHERE vintage = 'booked' GROUP BY side ORDER BY side
