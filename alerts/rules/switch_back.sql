-- A move no longer pays: the latest value of each series in the window.
SELECT labels['workload'] AS workload, labels['from_side'] AS from_side, labels['to_side'] AS to_side, argMax(value, (at, ver)) AS value, argMax(figures['extra'], (at, ver)) AS extra
FROM signals
WHERE rule = 'switch_back' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY workload, from_side, to_side ORDER BY workload, from_side, to_side
