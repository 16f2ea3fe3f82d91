-- What providers report: tokens by day, provider, model and token class, and their cost by the price book (lowest context tier).
SELECT day, provider, model, token_class, sum(k.tokens) AS tokens, if(count() = countIf(isNotNull(k.usd)), sum(ifNull(k.usd, toDecimal128(0, 12))), NULL) AS usd
FROM (
  WITH
    multiIf(u.processing = 'batch', 'batch', u.tier IN ('flex', 'priority', 'fast'), u.tier, 'standard') AS variant,
    dictGet('price_at', 'id0', cityHash64(toString(u.provider), toString(u.model), variant, ''), u.start) AS price,
    dictGet('price_of', ('input_fresh', 'cache_read', 'cache_write_short', 'cache_write_long', 'cache_write_other', 'output'), toUInt64(price)) AS p
  SELECT toDate(u.start, 'UTC') AS day, u.provider AS provider, u.model AS model,
    arrayJoin([('input_fresh', u.input_fresh, p.1), ('cache_read', u.cache_read, p.2), ('cache_write_short', u.cache_write_short, p.3),
      ('cache_write_long', u.cache_write_long, p.4), ('cache_write_other', u.cache_write_other, p.5), ('output', u.output, p.6)]) AS part,
    part.1 AS token_class, part.2 AS tokens, tokens * toDecimal128(part.3, 12) AS usd
  FROM usage_buckets AS u FINAL
  WHERE u.view != 'token metrics' AND u.start >= {from:DateTime('UTC')} AND u.start < {to:DateTime('UTC')}) AS k
WHERE k.tokens != 0
GROUP BY day, provider, model, token_class
ORDER BY day, provider, model, token_class
