-- Usage without a price: the latest value of each series in the window.
SELECT labels['provider'] AS provider, labels['model'] AS model, argMax(value, (at, ver)) AS value, argMax(figures['tokens'], (at, ver)) AS tokens
FROM signals
WHERE rule = 'unpriced_usage' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY provider, model ORDER BY provider, model
