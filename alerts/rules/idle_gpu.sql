-- A GPU is paid for and idle: the latest value of each series in the window.
SELECT labels['node'] AS node, labels['gpu'] AS gpu, labels['kind'] AS kind, argMax(value, (at, ver)) AS value, argMax(figures['usd_day'], (at, ver)) AS usd_day, argMax(figures['idle_s'], (at, ver)) AS idle_s
FROM signals
WHERE rule = 'idle_gpu' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY node, gpu, kind ORDER BY node, gpu, kind
