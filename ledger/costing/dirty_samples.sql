-- Hours whose GPU samples changed behind a version, as dirty_requests tells it; a sample may begin an hour earlier.
WITH
  (SELECT max(ver) FROM gpu_samples WHERE ver > {after:UInt64}) AS latest,
  greatest({after:UInt64}, toUInt64(greatest(0, toInt64(least(ifNull(latest, 0), {until:UInt64})) - toInt64({late:UInt64})))) AS window
SELECT hour, max(ver) AS seen, sum(cityHash64(ver)) AS seal, sumIf(cityHash64(ver), ver > window) AS recent, any(window) AS since
FROM (
  SELECT arrayJoin([toStartOfHour(at - toIntervalMillisecond(1)), toStartOfHour(at - toIntervalMillisecond(toUInt32(dt_s * 1000)))]) AS hour, ver
  FROM gpu_samples WHERE ver > {after:UInt64})
GROUP BY hour ORDER BY hour
