-- GPUs, MIG instances and who held them in a span of hours, by the pool and host that the reading names.
SELECT node, pool, gpu, slice, max(share) AS share, pods
FROM gpu_samples
WHERE toStartOfHour(at) >= {from:DateTime('UTC')} AND toStartOfHour(at) <= {to:DateTime('UTC')} AND gpu != ''
GROUP BY node, pool, gpu, slice, pods
ORDER BY node, pool, gpu, slice, pods
