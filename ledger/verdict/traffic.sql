-- Traffic of every workload by UTC day, and its requests by hour: what verdicts are gated on. Request records only: what
-- a provider reports in sums cannot be replayed request by request.
SELECT workload, toDate(hour) AS day, sum(u.requests) AS requests, sum(u.successful_requests) AS successful_requests,
  sum(u.attempts) AS attempts, sumIf(u.attempts, u.side = 'api') AS api_attempts, sumIf(u.requests, u.side = 'api') AS api_requests,
  sum(u.unpriced_attempts) AS unpriced_attempts, sum(u.no_usage) AS no_usage,
  sum(u.total_input - u.cache_read) AS uncached, sum(u.cache_read) AS cached, sum(u.output) AS output,
  sumMap([toHour(u.hour)], [u.requests]) AS told, told.1 AS hours, told.2 AS by_hour
FROM v_usage_hourly AS u
WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')} AND counted = 'requests'
GROUP BY workload, day ORDER BY workload, day
