-- GPUs, MIG instances and who held them in a span of hours, by the pool and host that the reading names, and from which hour
-- to which: a GPU may be cut anew in between.
SELECT node, pool, gpu, slice, max(share) AS share, pods, min(toStartOfHour(at)) AS first, max(toStartOfHour(at)) AS last
FROM gpu_samples
WHERE toStartOfHour(at) >= {from:DateTime('UTC')} AND toStartOfHour(at) <= {to:DateTime('UTC')} AND gpu != ''
GROUP BY node, pool, gpu, slice, pods
ORDER BY node, pool, gpu, slice, pods
