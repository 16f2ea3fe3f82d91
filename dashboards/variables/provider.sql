-- Providers with usage.
SELECT DISTINCT provider AS value FROM v_usage_hourly WHERE side = 'api' AND provider != '' ORDER BY value
