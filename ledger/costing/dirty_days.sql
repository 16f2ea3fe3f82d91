-- UTC days whose request records or reported usage changed since a version, of those for which a provider reported any usage.
SELECT DISTINCT day FROM (
  SELECT toDate(at, 'UTC') AS day FROM requests WHERE side = 'api' AND ver > {after_requests:UInt64}
  UNION ALL SELECT toDate(start, 'UTC') FROM usage_buckets WHERE ver > {after_buckets:UInt64})
WHERE day IN (SELECT toDate(start, 'UTC') FROM usage_buckets WHERE view != 'token metrics')
ORDER BY day
