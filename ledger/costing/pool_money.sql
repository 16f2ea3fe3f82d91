-- Money classes of each pool in a span.
SELECT pool, component, sum(usd) AS usd FROM v_cost_hourly
WHERE side = 'self_hosted' AND component NOT IN ('overhead', 'node_others') AND hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')}
GROUP BY pool, component ORDER BY pool, component
