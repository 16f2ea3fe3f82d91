-- Hosts that reported GPUs in the last 7 days: minutes since, and how far their clock is ahead.
SELECT node, dateDiff('second', max(at), {to:DateTime('UTC')}) / 60 AS minutes,
  greatest(0, -minOrDefaultIf(intDiv(toInt64(ver), 1000000) - toUnixTimestamp64Milli(at), at > {to:DateTime('UTC')} - toIntervalHour(1)) / 1000) AS ahead_s
FROM gpu_samples WHERE toStartOfHour(at) >= toStartOfHour({to:DateTime('UTC')} - toIntervalDay(7)) AND at > {to:DateTime('UTC')} - toIntervalDay(7) AND at <= {to:DateTime('UTC')}
GROUP BY node ORDER BY node
