-- Hourly traffic of every workload in a window: what verdicts are gated on.
SELECT workload, hour, sum(requests) AS requests, sum(successful_requests) AS successful_requests, sum(attempts) AS attempts,
  sumIf(attempts, side = 'api') AS api_attempts, sumIf(requests, side = 'api') AS api_requests,
  sum(unpriced_attempts) AS unpriced_attempts, sum(no_usage) AS no_usage
FROM v_usage_hourly
WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')}
GROUP BY workload, hour ORDER BY workload, hour
