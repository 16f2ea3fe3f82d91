-- Hours of reported usage that changed behind a version, as dirty_requests tells it.
WITH
  (SELECT max(ver) FROM usage_buckets WHERE ver > {after:UInt64}) AS latest,
  greatest({after:UInt64}, toUInt64(greatest(0, toInt64(least(ifNull(latest, 0), {until:UInt64})) - toInt64({late:UInt64})))) AS window
SELECT hour, max(ver) AS seen, sum(cityHash64(ver)) AS seal, sumIf(cityHash64(ver), ver > window) AS recent, any(window) AS since
FROM (
  SELECT toStartOfHour(start) + toIntervalHour(arrayJoin(range(toUInt32(greatest(1, intDiv(width_s, 3600)))))) AS hour, ver
  FROM usage_buckets WHERE ver > {after:UInt64})
GROUP BY hour ORDER BY hour
