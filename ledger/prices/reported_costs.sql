-- What a gateway says that attempts cost, beside what the book makes of them, since an instant.
SELECT source, provider, model, multiIf(processing = 'batch', 'batch', tier IN ('flex', 'priority', 'fast'), tier, 'standard') AS variant,
  sum(toDecimal128(cost_reported, 12)) AS reported, sum(toDecimal128(cost, 12)) AS booked, count() AS attempts
FROM v_requests
WHERE at >= {since:DateTime('UTC')} AND side = 'api' AND isNotNull(cost_reported) AND isNotNull(cost) AND unpriced_tokens = 0
GROUP BY source, provider, model, variant HAVING booked > 0
ORDER BY source, provider, model, variant
