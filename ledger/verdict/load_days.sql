-- Load of workloads on own deployments by day: how many buckets of which load in replicas, in bins of a twentieth.
-- of, names and the four coefficients describe (workload, deployment) pairs in one order; widths are seconds of a bucket.
SELECT of_workload AS workload, deployment, day, bin, count() AS buckets, sum(load) AS total, max(load) AS peak FROM (
  WITH
    arrayJoin(arrayFilter(i -> {of:Array(String)}[i] = w.workload, arrayEnumerate({of:Array(String)}))) AS i
  SELECT w.workload AS of_workload, {names:Array(String)}[i] AS deployment, toDate(w.bucket, 'UTC') AS day,
    ({uncached:Array(Float64)}[i] * w.uncached + {cached:Array(Float64)}[i] * w.cached + {output:Array(Float64)}[i] * w.output
      + {kv:Array(Float64)}[i] * w.kv2 / 2) / w.width AS load,
    toUInt32(least(load * 20, 4000000000.)) AS bin
  FROM (
    SELECT workload, transform(workload, {workloads:Array(String)}, {widths:Array(UInt32)}, toUInt32(10)) AS width,
      toDateTime(intDiv(toUInt32(t.at), width) * width, 'UTC') AS bucket,
      sum(t.uncached) AS uncached, sum(t.cached) AS cached, sum(t.output) AS output, sum(t.kv2) AS kv2
    FROM work_10s AS t FINAL
    WHERE t.workload IN {workloads:Array(String)} AND t.at >= {from:DateTime('UTC')} AND t.at < {to:DateTime('UTC')} AND t.n != 0
    GROUP BY workload, width, bucket) AS w)
GROUP BY workload, deployment, day, bin
ORDER BY workload, deployment, day, bin
