-- Tokens in and out of each hour, thirty days: from the hourly rollup.
SELECT hour, sum(total_input) AS tokens_in, sum(output) AS tokens_out FROM v_usage_hourly
WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')} GROUP BY hour ORDER BY hour
