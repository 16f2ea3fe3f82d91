-- First hour of every workload.
SELECT workload, min(hour) AS first FROM v_usage_hourly GROUP BY workload ORDER BY workload
