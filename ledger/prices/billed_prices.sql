-- What bills charge for a token since an instant: list price where every line tells one, else what was billed.
SELECT provider, model, token_class,
  if(count() = countIf(isNotNull(list_cost)), sum(ifNull(list_cost, toDecimal128(0, 12))), sum(billed_cost)) AS usd, sum(quantity) AS tokens
FROM v_charges
WHERE start >= {since:DateTime('UTC')} AND charge_category = 'usage' AND unit = 'tokens' AND quantity > 0 AND currency = 'USD'
  AND model != '' AND token_class != '' AND tier IN ('', 'standard') AND positionCaseInsensitive(line, 'batch') = 0
GROUP BY provider, model, token_class HAVING tokens >= 100000
ORDER BY provider, model, token_class
