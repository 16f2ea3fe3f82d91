-- GPUs that reported in a span of hours, by pool.
SELECT DISTINCT if(pool != '', pool, transform(node, {nodes:Array(String)}, {node_pools:Array(String)}, '')) AS pool, gpu, slice
FROM gpu_samples
WHERE toStartOfHour(at) >= {from:DateTime('UTC')} AND toStartOfHour(at) <= {to:DateTime('UTC')} AND gpu != ''
ORDER BY pool, gpu, slice
