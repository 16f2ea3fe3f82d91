-- What came late (an hour after it happened, or more), twice, or broken, by bucket: late and twice by when it happened, broken by when it came.
-- Buckets of an hour and more read the hourly counts, shorter ones the requests.
SELECT time, series, toFloat64(sum(n)) AS value FROM (
  SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, 'attempts of a repeated event' AS series, repeats AS n
  FROM v_arrivals_hourly WHERE {bucket:UInt32} >= 3600 AND repeats != 0 AND hour >= {from:DateTime} AND hour < {to:DateTime}
  UNION ALL
  SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, 'stored over an hour late' AS series, late AS n
  FROM v_arrivals_hourly WHERE {bucket:UInt32} >= 3600 AND late != 0 AND hour >= {from:DateTime} AND hour < {to:DateTime}
  UNION ALL
  SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time,
    if(duplicate_of != 0, 'attempts of a repeated event', 'stored over an hour late') AS series, 1 AS n
  FROM requests FINAL WHERE {bucket:UInt32} < 3600 AND at >= {from:DateTime} AND at < {to:DateTime}
    AND (duplicate_of != 0 OR intDiv(ver, 1000000000) > toUInt32(at) + 3600)
  UNION ALL
  SELECT toStartOfInterval(toDateTime(received_at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time, concat('rejected: ', field) AS series, 1 AS n
  FROM rejected FINAL WHERE received_at >= {from:DateTime} AND received_at < {to:DateTime})
GROUP BY time, series ORDER BY time, series
