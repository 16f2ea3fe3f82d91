-- A pool has unused capacity: the latest value of each series in the window.
SELECT labels['pool'] AS pool, argMax(value, (at, ver)) AS value, argMax(figures['usd_day'], (at, ver)) AS usd_day, argMax(figures['used_share'], (at, ver)) AS used_share
FROM signals
WHERE rule = 'idle_cost' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY pool ORDER BY pool
