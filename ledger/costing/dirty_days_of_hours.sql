-- Days with hours that were rebuilt after a version, and the latest version seen.
SELECT day, max(seen) AS seen FROM (
  SELECT toStartOfDay(hour) AS day, max(ver) AS seen FROM cost_hourly WHERE ver > {after:UInt64} GROUP BY day
  UNION ALL
  SELECT toStartOfDay(hour) AS day, max(ver) AS seen FROM usage_hourly WHERE ver > {after:UInt64} GROUP BY day)
GROUP BY day ORDER BY day
