-- First and last hour with money or requests.
SELECT minOrNull(hour) AS first, maxOrNull(hour) AS last FROM (
  SELECT hour FROM v_usage_hourly UNION ALL SELECT hour FROM v_cost_hourly)
