-- Hours whose cost is made of reported usage that changed since a version, or of which it was decided anew what counts;
-- and the newest version seen of both.
SELECT hour, max(ver) AS seen, max(decided) AS decided FROM (
  SELECT toStartOfHour(start) + toIntervalHour(arrayJoin(range(toUInt32(greatest(1, intDiv(width_s, 3600)))))) AS hour, ver, toUInt64(0) AS decided
  FROM usage_buckets WHERE ver > {after_buckets:UInt64}
  UNION ALL
  SELECT toDateTime(day, 'UTC') + toIntervalHour(arrayJoin(range(24))), toUInt64(0), ver FROM usage_days WHERE ver > {after_days:UInt64})
GROUP BY hour ORDER BY hour
