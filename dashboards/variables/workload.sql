-- Workloads with requests, declared or not.
SELECT DISTINCT workload AS value FROM v_usage_hourly WHERE workload != '' ORDER BY value
