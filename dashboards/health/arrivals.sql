-- What came late (an hour after it happened, or more), twice, or broken, by bucket: late and twice by when it happened, broken by when it came.
SELECT time, series, value FROM (
  SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time, 'attempts of a repeated event' AS series, toFloat64(count()) AS value
  FROM requests FINAL WHERE duplicate_of != 0 AND at >= {from:DateTime} AND at < {to:DateTime} GROUP BY time
  UNION ALL
  SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time, 'stored over an hour late' AS series, toFloat64(count()) AS value
  FROM requests FINAL WHERE duplicate_of = 0 AND at >= {from:DateTime} AND at < {to:DateTime} AND intDiv(ver, 1000000000) > toUInt32(at) + 3600 GROUP BY time
  UNION ALL
  SELECT toStartOfInterval(toDateTime(received_at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time, concat('rejected: ', field) AS series, toFloat64(count()) AS value
  FROM rejected FINAL WHERE received_at >= {from:DateTime} AND received_at < {to:DateTime} GROUP BY time, series)
ORDER BY time, series
