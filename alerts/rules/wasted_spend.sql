-- Money goes to failed and repeated attempts: the latest value of each series in the window.
SELECT labels['workload'] AS workload, labels['provider'] AS provider, argMax(value, (at, ver)) AS value, argMax(figures['wasted'], (at, ver)) AS wasted, argMax(figures['spent'], (at, ver)) AS spent
FROM signals
WHERE rule = 'wasted_spend' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY workload, provider ORDER BY workload, provider
