-- Hours whose looks at model servers changed since a version, and the newest version seen; an interval may begin an hour earlier.
SELECT hour, max(ver) AS seen FROM (
  SELECT arrayJoin([toStartOfHour(at - toIntervalMillisecond(1)), toStartOfHour(at - toIntervalMillisecond(toUInt32(dt_s * 1000)))]) AS hour, ver
  FROM engine_samples WHERE ver > {after:UInt64})
GROUP BY hour ORDER BY hour
