-- Pools that cost anything.
SELECT DISTINCT pool AS value FROM v_gpu_hourly WHERE pool != '' ORDER BY value
