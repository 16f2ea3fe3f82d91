-- The newest version of what is derived and of what is remembered.
SELECT max(newest) AS newest FROM (
  SELECT max(ver) AS newest FROM source_state UNION ALL SELECT max(ver) FROM usage_hourly UNION ALL SELECT max(ver) FROM cost_hourly
  UNION ALL SELECT max(ver) FROM usage_daily UNION ALL SELECT max(ver) FROM cost_daily)
