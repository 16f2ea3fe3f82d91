-- Workloads whose work of a window ran in more than one place: a bucket of theirs may be several rows.
SELECT workload, min(cityHash64(deployment, side)) AS low, max(cityHash64(deployment, side)) AS high
FROM work_10s AS t
WHERE toStartOfHour(t.at) >= {from:DateTime('UTC')} AND toStartOfHour(t.at) < {to:DateTime('UTC')}
GROUP BY workload
HAVING low != high
ORDER BY workload
