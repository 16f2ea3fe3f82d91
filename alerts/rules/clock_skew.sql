-- A host's clock is off: the latest value of each series in the window.
SELECT labels['node'] AS node, argMax(value, (at, ver)) AS value, argMax(figures['seconds'], (at, ver)) AS seconds
FROM signals
WHERE rule = 'clock_skew' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY node ORDER BY node
