-- Rows are refused: the latest value of each series in the window.
SELECT labels['source'] AS source, argMax(value, (at, ver)) AS value, argMax(figures['rejected'], (at, ver)) AS rejected, argMax(figures['received'], (at, ver)) AS received
FROM signals
WHERE rule = 'rows_rejected' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY source ORDER BY source
