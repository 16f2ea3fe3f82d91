-- UTC days whose request records or reported usage changed since a version.
SELECT DISTINCT day FROM (
  SELECT toDate(at, 'UTC') AS day FROM requests WHERE side = 'api' AND ver > {after_requests:UInt64}
  UNION ALL SELECT toDate(start, 'UTC') FROM usage_buckets WHERE ver > {after_buckets:UInt64})
ORDER BY day
