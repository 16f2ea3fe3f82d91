-- Tokens of each provider that both request records and its own reports tell, since an instant; one of the two counts.
SELECT d.provider AS provider, d.counted AS counted, count() AS days, sum(r.tokens) AS request_tokens, sum(b.tokens) AS reported_tokens
FROM v_usage_days AS d
INNER JOIN (
  SELECT toDate(start, 'UTC') AS day, provider,
    sum(input_fresh + cache_read + cache_write_short + cache_write_long + cache_write_other + output) AS tokens
  FROM v_usage_buckets WHERE view != 'token metrics' AND start >= {since:DateTime('UTC')} GROUP BY day, provider) AS b
  ON b.day = d.day AND b.provider = d.provider
INNER JOIN (
  SELECT toDate(at, 'UTC') AS day, provider, sum(total_input + output) AS tokens
  FROM v_requests WHERE side = 'api' AND at >= {since:DateTime('UTC')} GROUP BY day, provider) AS r
  ON r.day = d.day AND r.provider = d.provider
GROUP BY provider, counted ORDER BY provider, counted
