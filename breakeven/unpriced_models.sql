-- Models that were used and have a class without a price.
SELECT provider, model, tier, sum(unpriced_attempts) AS attempts, sum(unpriced_tokens) AS tokens, max(hour) AS last
FROM v_usage_hourly WHERE side = 'api'
GROUP BY provider, model, tier HAVING attempts > 0 OR tokens > 0 ORDER BY tokens DESC LIMIT 200
