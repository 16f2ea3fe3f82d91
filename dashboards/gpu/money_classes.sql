-- Money of the pools by bucket and where it went, the parts are the bill.
SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time,
  transform(component, ['gpu_used', 'gpu_headroom', 'gpu_warm_idle', 'gpu_spare', 'gpu_unallocated', 'gpu_other_use', 'gpu_held_unknown', 'gpu_unknown', 'node_others', 'overhead'],
    ['Used', 'Headroom', 'Loaded, unused', 'Spare', 'Empty', 'Other work', 'Loaded, unknown', 'Unknown', 'Tenants without GPU', 'Overhead'], component) AS series,
  sum(usd) AS value
FROM v_cost_hourly
WHERE side = 'self_hosted' AND vintage = 'booked' AND hour >= {from:DateTime} AND hour < {to:DateTime}
  AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)})
GROUP BY time, series ORDER BY time, series
