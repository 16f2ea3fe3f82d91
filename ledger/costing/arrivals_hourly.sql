-- Rebuild hours of arrivals_hourly from requests; sources that vanished fall to zero.
INSERT INTO arrivals_hourly
SELECT hour, source, sum(attempts), sum(late), sum(repeats), {ver:UInt64} FROM (
  SELECT toStartOfHour(r.at) AS hour, r.source AS source, toInt64(count()) AS attempts,
    toInt64(countIf(r.duplicate_of = 0 AND intDiv(r.ver, 1000000000) > toUInt32(r.at) + 3600)) AS late, toInt64(countIf(r.duplicate_of != 0)) AS repeats
  FROM requests AS r FINAL WHERE toStartOfHour(r.at) IN {hours:Array(DateTime('UTC'))} GROUP BY hour, source
  UNION ALL
  SELECT hour, source, toInt64(0), toInt64(0), toInt64(0) FROM arrivals_hourly FINAL WHERE hour IN {hours:Array(DateTime('UTC'))})
GROUP BY hour, source
