-- Peak and mean load of a workload on one capacity, in replicas, by ten seconds, and its work in replica-seconds.
SELECT max(load) AS peak, sum(load) * 10 / {seconds:Float64} AS mean, sum(load) * 10 AS work FROM (
  SELECT sum({uncached:Float64} * uncached + {cached:Float64} * cached + {output:Float64} * output + {kv:Float64} * kv2 / 2) / 10 AS load
  FROM work_10s FINAL
  WHERE workload = {workload:String} AND at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} AND n != 0
  GROUP BY at)
