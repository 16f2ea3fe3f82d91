-- Tokens in and out of each hour, thirty days: from requests.
SELECT toStartOfHour(at) AS hour, sum(input_fresh + cache_read + cache_write_short + cache_write_long + cache_write_other) AS tokens_in, sum(output) AS tokens_out
FROM requests FINAL WHERE at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} GROUP BY hour ORDER BY hour
