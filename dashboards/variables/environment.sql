-- Environments that have requests, of the chosen teams.
SELECT DISTINCT environment AS value FROM v_usage_hourly
WHERE environment != '' AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) ORDER BY value
