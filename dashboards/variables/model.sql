-- Models with usage, of the chosen providers.
SELECT DISTINCT model AS value FROM v_usage_hourly
WHERE side = 'api' AND model != '' AND (empty({provider:Array(String)}) OR provider IN {provider:Array(String)}) ORDER BY value
