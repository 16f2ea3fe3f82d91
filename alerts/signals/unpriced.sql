-- Tokens of 24 hours that no price covers.
SELECT provider, model, sum(unpriced_tokens) AS tokens FROM v_usage_hourly
WHERE side = 'api' AND hour > {to:DateTime('UTC')} - toIntervalDay(1) AND hour <= {to:DateTime('UTC')}
GROUP BY provider, model HAVING tokens > 0 ORDER BY provider, model
