-- Facts by bucket and the source that brought them.
SELECT toStartOfInterval(at, toIntervalSecond({bucket:UInt32})) AS time, source AS series, toFloat64(count()) AS value
FROM v_facts
WHERE at >= {from:DateTime} AND at < {to:DateTime}
GROUP BY time, series ORDER BY time, series
