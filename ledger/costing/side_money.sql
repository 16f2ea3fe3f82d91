-- Metered token and GPU money of hours by side and pool: what a share overhead is a share of.
SELECT hour, side, pool, sum(usd) AS usd FROM cost_hourly FINAL
WHERE component NOT IN ('overhead', 'commitment_unused') AND hour IN {hours:Array(DateTime('UTC'))} GROUP BY hour, side, pool
