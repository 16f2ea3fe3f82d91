-- What the cost of the API side is made of, request records or the provider's own reports: tokens and booked money by day, provider, model and token class; fees have neither.
SELECT day, provider, if(k.token_class = '', '', k.model) AS model, k.token_class AS token_class, sum(k.tokens) AS tokens, sum(k.usd) AS usd
FROM (
  SELECT toDate(at, 'UTC') AS day, provider, model,
    arrayJoin([('input_fresh', input_fresh, usd_input_fresh), ('cache_read', cache_read, usd_cache_read),
      ('cache_write_short', cache_write_short, usd_cache_write_short), ('cache_write_long', cache_write_long, usd_cache_write_long),
      ('cache_write_other', cache_write_other, usd_cache_write_other), ('output', output, usd_output),
      ('', toInt64(0), usd_fees)]) AS part,
    part.1 AS token_class, part.2 AS tokens, toDecimal128(part.3, 12) AS usd
  FROM counted_attempts
  WHERE side = 'api' AND at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')}
  UNION ALL
  SELECT toDate(hour, 'UTC'), provider, model,
    arrayJoin([('input_fresh', input_fresh, usd_input_fresh), ('cache_read', cache_read, usd_cache_read),
      ('cache_write_short', cache_write_short, usd_cache_write_short), ('cache_write_long', cache_write_long, usd_cache_write_long),
      ('cache_write_other', cache_write_other, usd_cache_write_other), ('output', output, usd_output),
      ('', toInt64(0), usd_fees)]) AS part, part.1, part.2, part.3
  FROM counted_reports WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')}) AS k
GROUP BY day, provider, model, token_class
HAVING tokens != 0 OR usd != 0
ORDER BY day, provider, model, token_class
