-- Hours of calendar months (UTC) that hold unused commitments. The component is part of the key: rows of others need not be merged first.
SELECT DISTINCT provider, toStartOfMonth(hour, 'UTC') AS month, hour FROM cost_hourly FINAL
PREWHERE component = 'commitment_unused' AND toStartOfMonth(hour, 'UTC') IN {months:Array(Date)}
WHERE side = 'api' AND usd != 0
ORDER BY provider, hour
