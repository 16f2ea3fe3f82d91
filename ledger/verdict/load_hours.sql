-- Load of one workload on one own deployment by hour of the week (UTC, 0 = Monday 00:00): buckets of which load in replicas.
SELECT (toDayOfWeek(at_hour) - 1) * 24 + toHour(at_hour) AS hour, bin, count() AS buckets, sum(load) AS total, max(load) AS peak FROM (
  SELECT toStartOfHour(bucket) AS at_hour, load, toUInt32(least(load * 20, 4000000000.)) AS bin FROM (
    SELECT toDateTime(intDiv(toUInt32(t.at), {width:UInt32}) * {width:UInt32}, 'UTC') AS bucket,
      sum({uncached:Float64} * t.uncached + {cached:Float64} * t.cached + {output:Float64} * t.output + {kv:Float64} * t.kv2 / 2) / {width:UInt32} AS load
    FROM work_10s AS t FINAL
    WHERE toStartOfHour(t.at) >= {from:DateTime('UTC')} AND toStartOfHour(t.at) < {to:DateTime('UTC')} AND t.workload = {workload:String} AND t.n != 0
    GROUP BY bucket))
GROUP BY hour, bin
ORDER BY hour, bin
