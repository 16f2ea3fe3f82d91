-- Moving a workload would pay: the latest value of each series in the window.
SELECT labels['workload'] AS workload, labels['from_side'] AS from_side, labels['to_side'] AS to_side, argMax(value, (at, ver)) AS value, argMax(figures['saving'], (at, ver)) AS saving, argMax(figures['low'], (at, ver)) AS low, argMax(figures['high'], (at, ver)) AS high, argMax(figures['payback_days'], (at, ver)) AS payback_days
FROM signals
WHERE rule = 'switch_pays' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY workload, from_side, to_side ORDER BY workload, from_side, to_side
