-- GPU-hours by bucket and what the GPUs did.
SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time,
  transform(state, ['serving', 'serving_low', 'warm_idle', 'unallocated', 'busy_other', 'held_unknown', 'unknown'],
    ['Serving', 'Serving a little', 'Loaded, unused', 'Empty', 'Other work', 'Loaded, unknown', 'Unknown'], state) AS series,
  sum(seconds) / 3600 AS value
FROM v_gpu_hourly
WHERE hour >= {from:DateTime} AND hour < {to:DateTime}
  AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)}) AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
GROUP BY time, series ORDER BY time, series
