-- The price book is old: the latest value of each series in the window.
SELECT labels['source'] AS source, argMax(value, (at, ver)) AS value, argMax(figures['days'], (at, ver)) AS days
FROM signals
WHERE rule = 'price_book_stale' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY source ORDER BY source
