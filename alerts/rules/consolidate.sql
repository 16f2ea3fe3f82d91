-- Fewer replicas would do: the latest value of each series in the window.
SELECT labels['pool'] AS pool, argMax(value, (at, ver)) AS value, argMax(figures['usd_month'], (at, ver)) AS usd_month
FROM signals
WHERE rule = 'consolidate' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY pool ORDER BY pool
