-- Too little is known of a pool: the latest value of each series in the window.
SELECT labels['pool'] AS pool, argMax(value, (at, ver)) AS value, argMax(figures['unknown_share'], (at, ver)) AS unknown_share
FROM signals
WHERE rule = 'telemetry_gap' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY pool ORDER BY pool
