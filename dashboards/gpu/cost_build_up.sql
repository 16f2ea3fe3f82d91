-- Money of the pools by bucket and what is paid for: GPUs by how they are had, power in it, and every overhead by its name.
SELECT toStartOfInterval(c.hour, toIntervalSecond({bucket:UInt32})) AS time,
  if(c.component = 'overhead', c.provider, concat('GPUs, ', if(r.kind = '', 'no rate now', r.kind))) AS series, sum(c.usd) AS value
FROM (
  SELECT hour, component, provider, pool, usd FROM cost_periods
  WHERE side = 'self_hosted' AND vintage = 'booked' AND hour >= {from:DateTime} AND hour < {to:DateTime}
      AND ({bucket:UInt32} % 86400 = 0 AND whole AND day >= {from:DateTime} AND next_day <= {to:DateTime}
        OR NOT whole AND ({bucket:UInt32} % 86400 != 0 OR day < {from:DateTime} OR next_day > {to:DateTime})) AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)})) AS c
LEFT JOIN (SELECT pool, argMax(kind, (valid_from, ver)) AS kind FROM gpu_rates WHERE valid_from < {to:DateTime} GROUP BY pool) AS r ON r.pool = c.pool
GROUP BY time, series ORDER BY time, series
