-- Stored GPU states of some hours, to be set to zero where a recompute no longer has the key.
SELECT hour, pool, deployment, node, gpu, slice, state FROM gpu_hourly FINAL
WHERE hour IN {hours:Array(DateTime('UTC'))} AND seconds > 0
