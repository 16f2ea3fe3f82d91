-- Model servers are full: the latest value of each series in the window.
SELECT labels['pool'] AS pool, labels['model'] AS model, argMax(value, (at, ver)) AS value, argMax(figures['waiting'], (at, ver)) AS waiting, argMax(figures['kv_used'], (at, ver)) AS kv_used
FROM signals
WHERE rule = 'gpu_saturated' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY pool, model ORDER BY pool, model
