-- Hosts of the chosen pools.
SELECT DISTINCT node AS value FROM v_gpu_hourly
WHERE node != '' AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)}) ORDER BY value
