-- How long after its instant a GPU reading was stored, over the last hour of the range: below zero an exporter's clock is ahead.
SELECT node, count() AS readings, min(intDiv(toInt64(ver), 1000000) - toUnixTimestamp64Milli(at)) / 1000 AS least, quantileTDigestOrNull(0.5)((intDiv(toInt64(ver), 1000000) - toUnixTimestamp64Milli(at)) / 1000) AS middle,
  countIf(reset != 0) AS resets, toDateTime(max(at), 'UTC') AS last
FROM gpu_samples
WHERE toStartOfHour(at) >= toStartOfHour({to:DateTime} - toIntervalHour(1), 'UTC') AND at >= {to:DateTime} - toIntervalHour(1) AND at < {to:DateTime} AND {from:DateTime} < {to:DateTime}
GROUP BY node ORDER BY node LIMIT 200
