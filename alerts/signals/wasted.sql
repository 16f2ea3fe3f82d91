-- Money of failed and repeated attempts in six hours, by workload and provider.
SELECT workload, provider, sumIf(usd, component = 'retries_failed') AS wasted, sum(usd) AS spent FROM v_cost_hourly
WHERE side = 'api' AND vintage = 'booked' AND basis = 'usage' AND hour >= {to:DateTime('UTC')} - toIntervalHour(6) AND hour < {to:DateTime('UTC')}
GROUP BY workload, provider HAVING spent >= 1 ORDER BY workload, provider
