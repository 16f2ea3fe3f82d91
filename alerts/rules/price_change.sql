-- A price in use changed: the latest value of each series in the window.
SELECT labels['provider'] AS provider, labels['model'] AS model, argMax(value, (at, ver)) AS value, argMax(figures['effect'], (at, ver)) AS effect
FROM signals
WHERE rule = 'price_change' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY provider, model ORDER BY provider, model
