-- First hour with request records of every workload.
SELECT workload, min(hour) AS first FROM v_usage_hourly WHERE counted = 'requests' GROUP BY workload ORDER BY workload
