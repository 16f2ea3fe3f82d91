-- Facts by bucket and the source that brought them. Of requests and readings, buckets of an hour and more read the hourly counts.
SELECT time, series, toFloat64(sum(n)) AS value
FROM (
  SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, source AS series, attempts AS n
  FROM v_arrivals_hourly WHERE {bucket:UInt32} >= 3600 AND hour >= {from:DateTime} AND hour < {to:DateTime}
  UNION ALL
  SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, source AS series, readings AS n
  FROM v_gpu_readings_hourly WHERE {bucket:UInt32} >= 3600 AND hour >= {from:DateTime} AND hour < {to:DateTime}
  UNION ALL
  SELECT toStartOfInterval(at, toIntervalSecond({bucket:UInt32})) AS time, source AS series, 1 AS n
  FROM v_facts WHERE ({bucket:UInt32} < 3600 OR kind NOT IN ('requests', 'gpu_samples')) AND at >= {from:DateTime} AND at < {to:DateTime})
GROUP BY time, series ORDER BY time, series
