-- Work of each workload on each own deployment in a window, in uncached-token units of its capacity.
SELECT workload, deployment,
  sum({uncached:Float64} * uncached + {cached:Float64} * cached + {output:Float64} * output + {kv:Float64} * kv2 / 2) AS work
FROM work_10s FINAL
WHERE side = 'self_hosted' AND deployment = {deployment:String} AND at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} AND n != 0
GROUP BY workload, deployment
