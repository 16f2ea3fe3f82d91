-- Workloads with requests, declared or not, of the chosen teams.
SELECT DISTINCT workload AS value FROM v_usage_hourly
WHERE workload != '' AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) ORDER BY value
