-- The bill is not what was metered: the latest value of each series in the window.
SELECT labels['provider'] AS provider, labels['account'] AS account, labels['month'] AS month, argMax(value, (at, ver)) AS value, argMax(figures['billed'], (at, ver)) AS billed, argMax(figures['metered'], (at, ver)) AS metered
FROM signals
WHERE rule = 'invoice_gap' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY provider, account, month ORDER BY provider, account, month
