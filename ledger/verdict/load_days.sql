-- Load of workloads that ran in one place on own deployments by day, in buckets of ten seconds: how many buckets of which
-- load in replicas, in bins of a twentieth. Every row is a bucket: load_days_summed.sql is for the others, and says the rest.
SELECT toUInt32(bitShiftRight(kept, 48)) AS pair, toDate(bitAnd(bitShiftRight(kept, 32), 65535)) AS day, toUInt32(kept) AS bin,
  count() AS buckets, sum(load) AS total, max(load) AS peak
FROM (
  WITH
    transform(t.workload, {workloads:Array(String)}, arrayEnumerate({workloads:Array(String)}), toUInt32(0)) AS place,
    arrayJoin(range({starts:Array(UInt32)}[place], {starts:Array(UInt32)}[place] + {counts:Array(UInt32)}[place])) AS i
  SELECT
    ({uncached:Array(Float64)}[i] * t.uncached + {cached:Array(Float64)}[i] * t.cached + {output:Array(Float64)}[i] * t.output
      + {kv:Array(Float64)}[i] * t.kv2 / 2) / {width:UInt32} AS load,
    bitShiftLeft(toUInt64(i), 48) + bitShiftLeft(toUInt64(intDiv(toUInt32(t.at), 86400)), 32) + toUInt32(least(load * 20, 4000000000.)) AS kept
  FROM work_10s AS t FINAL
  WHERE toStartOfHour(t.at) >= {from:DateTime('UTC')} AND toStartOfHour(t.at) < {to:DateTime('UTC')} AND place != 0 AND t.n != 0)
GROUP BY kept
ORDER BY pair, day, bin
