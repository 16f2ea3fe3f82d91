-- Hours of a GPU that is paid for and of which nothing is known.
SELECT toDateTime(hour, 'UTC') AS time, toDateTime(hour + toIntervalHour(1), 'UTC') AS timeEnd,
  concat(pool, ': ', toString(round(sum(seconds) / 3600, 2)), ' GPU-hours without telemetry') AS text
FROM v_gpu_hourly
WHERE state = 'unknown' AND hour >= {from:DateTime} AND hour < {to:DateTime}
  AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)})
GROUP BY hour, pool HAVING sum(seconds) >= 60
ORDER BY time, text LIMIT 200
