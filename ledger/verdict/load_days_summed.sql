-- Load of workloads on own deployments by day: how many buckets of which load in replicas, in bins of a twentieth.
-- The four coefficients describe (workload, deployment) pairs, those of one workload beside each other: starts and counts say
-- where they stand for each of workloads; width is the seconds of a bucket. A pair comes back as its place in those lists.
-- Days are whole hours, which the sort key begins with. One number is the key of each grouping, which makes them several times faster: workload and bucket; pair, day and bin.
SELECT toUInt32(bitShiftRight(kept, 48)) AS pair, toDate(bitAnd(bitShiftRight(kept, 32), 65535)) AS day, toUInt32(kept) AS bin,
  count() AS buckets, sum(load) AS total, max(load) AS peak
FROM (
  WITH
    toUInt32(bitShiftRight(w.key, 32)) AS place, toUInt32(w.key) AS bucket,
    arrayJoin(range({starts:Array(UInt32)}[place], {starts:Array(UInt32)}[place] + {counts:Array(UInt32)}[place])) AS i
  SELECT
    ({uncached:Array(Float64)}[i] * w.uncached + {cached:Array(Float64)}[i] * w.cached + {output:Array(Float64)}[i] * w.output
      + {kv:Array(Float64)}[i] * w.kv2 / 2) / {width:UInt32} AS load,
    bitShiftLeft(toUInt64(i), 48) + bitShiftLeft(toUInt64(intDiv(bucket, 86400)), 32) + toUInt32(least(load * 20, 4000000000.)) AS kept
  FROM (
    WITH transform(t.workload, {workloads:Array(String)}, arrayEnumerate({workloads:Array(String)}), toUInt32(0)) AS place
    SELECT bitShiftLeft(toUInt64(place), 32) + intDiv(toUInt32(t.at), {width:UInt32}) * {width:UInt32} AS key,
      sum(t.uncached) AS uncached, sum(t.cached) AS cached, sum(t.output) AS output, sum(t.kv2) AS kv2
    FROM work_10s AS t FINAL
    WHERE toStartOfHour(t.at) >= {from:DateTime('UTC')} AND toStartOfHour(t.at) < {to:DateTime('UTC')} AND place != 0 AND t.n != 0
    GROUP BY key) AS w)
GROUP BY kept
ORDER BY pair, day, bin
