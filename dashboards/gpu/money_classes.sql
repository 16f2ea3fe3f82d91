-- Money of the pools by bucket and where it went, the parts are the bill.
SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time,
  transform(component, ['gpu_used', 'gpu_headroom', 'gpu_warm_idle', 'gpu_spare', 'gpu_unallocated', 'gpu_other_use', 'gpu_held_unknown', 'gpu_unknown', 'node_others', 'overhead'],
    ['Used', 'Headroom', 'Loaded, unused', 'Spare', 'Empty', 'Other work', 'Loaded, unknown', 'Unknown', 'Tenants without GPU', 'Overhead'], component) AS series,
  sum(usd) AS value
FROM cost_periods
WHERE side = 'self_hosted' AND vintage = 'booked' AND hour >= {from:DateTime} AND hour < {to:DateTime}
      AND ({bucket:UInt32} % 86400 = 0 AND whole AND day >= {from:DateTime} AND next_day <= {to:DateTime}
        OR NOT whole AND ({bucket:UInt32} % 86400 != 0 OR day < {from:DateTime} OR next_day > {to:DateTime}))
  AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)})
GROUP BY time, series ORDER BY time, series
