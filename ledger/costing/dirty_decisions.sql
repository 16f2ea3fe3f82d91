-- Hours of days of which it was decided behind a version what counts, as dirty_requests tells it: reports of a provider or requests, a service's
-- token metrics or its spans.
WITH
  (SELECT max(newest) FROM (SELECT max(ver) AS newest FROM usage_days WHERE ver > {after:UInt64} UNION ALL SELECT max(ver) FROM span_services WHERE ver > {after:UInt64})) AS latest,
  greatest({after:UInt64}, toUInt64(greatest(0, toInt64(least(ifNull(latest, 0), {until:UInt64})) - toInt64({late:UInt64})))) AS window
SELECT hour, max(ver) AS seen, sum(cityHash64(ver)) AS seal, sumIf(cityHash64(ver), ver > window) AS recent, any(window) AS since
FROM (
  SELECT toDateTime(day, 'UTC') + toIntervalHour(arrayJoin(range(24))) AS hour, ver FROM (
    SELECT day, ver FROM usage_days WHERE ver > {after:UInt64}
    UNION ALL
    SELECT day, ver FROM span_services WHERE ver > {after:UInt64}
      AND (day, service) IN (SELECT toDate(start, 'UTC'), key FROM usage_buckets WHERE view = 'token metrics')))
GROUP BY hour ORDER BY hour
