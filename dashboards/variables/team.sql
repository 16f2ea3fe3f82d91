-- Teams that have requests.
SELECT DISTINCT team AS value FROM v_usage_hourly WHERE team != '' ORDER BY value
