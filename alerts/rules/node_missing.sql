-- A GPU host fell silent: the latest value of each series in the window.
SELECT labels['node'] AS node, argMax(value, (at, ver)) AS value, argMax(figures['minutes'], (at, ver)) AS minutes
FROM signals
WHERE rule = 'node_missing' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY node ORDER BY node
