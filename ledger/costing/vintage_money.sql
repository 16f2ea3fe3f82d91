-- Metered token and GPU money of a vintage in some hours by side and pool: what a share overhead is a share of.
SELECT hour, side, pool, sum(usd) AS usd FROM v_cost_vintages
WHERE vintage = {vintage:String} AND component NOT IN ('overhead', 'commitment_unused') AND hour IN {hours:Array(DateTime('UTC'))}
GROUP BY hour, side, pool
