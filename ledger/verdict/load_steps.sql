-- With n replicas: mean load left over, and the utilisation of the n-th by itself (without meaning for n = 0).
SELECT r.n AS n, sum(greatest(l.load - r.n, 0)) * 10 / {seconds:Float64} AS overflow,
  sum(least(greatest(l.load - r.n + 1, 0), 1)) * 10 / {seconds:Float64} AS own
FROM (
  SELECT sum({uncached:Float64} * uncached + {cached:Float64} * cached + {output:Float64} * output + {kv:Float64} * kv2 / 2) / 10 AS load
  FROM work_10s FINAL
  WHERE workload = {workload:String} AND at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} AND n != 0
  GROUP BY at) AS l
CROSS JOIN (SELECT toFloat64(arrayJoin(range({n_max:UInt32} + 1))) AS n) AS r
GROUP BY r.n ORDER BY n
