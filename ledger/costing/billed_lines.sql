-- What providers bill: money by the day in which the charge period begins, category, model and token class, by currency.
SELECT toDate(start, 'UTC') AS day, provider, charge_category, model, token_class, currency,
  sum(billed_cost) AS billed, if(count() = countIf(isNotNull(list_cost)), sum(ifNull(list_cost, toDecimal128(0, 12))), NULL) AS listed,
  min(is_final) AS is_final, groupUniqArray(account) AS accounts
FROM charges FINAL
WHERE about_models AND start >= {from:DateTime('UTC')} AND start < {to:DateTime('UTC')}
GROUP BY day, provider, charge_category, model, token_class, currency
ORDER BY day, provider, charge_category, model, token_class, currency
