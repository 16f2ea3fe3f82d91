-- Facts and rollup differ: the latest value of each series in the window.
SELECT labels['table'] AS table, argMax(value, (at, ver)) AS value, argMax(figures['usd'], (at, ver)) AS usd
FROM signals
WHERE rule = 'ledger_rollup' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY table ORDER BY table
