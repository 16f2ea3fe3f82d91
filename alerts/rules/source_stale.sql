-- A source brings nothing new: the latest value of each series in the window.
SELECT labels['source'] AS source, argMax(value, (at, ver)) AS value, argMax(figures['age_hours'], (at, ver)) AS age_hours
FROM signals
WHERE rule = 'source_stale' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY source ORDER BY source
