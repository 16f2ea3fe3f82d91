-- What providers bill for models, in USD at the rate of the charge day: money by the day in which the charge period begins,
-- category, model and token class. Money without a rate keeps its currency.
SELECT toDate(c.start, 'UTC') AS day, c.provider AS provider, c.charge_category AS charge_category, c.model AS model,
  c.token_class AS token_class, if(c.currency = 'USD' OR f.usd != 0, 'USD', c.currency) AS currency,
  sum(toDecimal128(c.billed_cost * if(f.usd != 0, f.usd, toDecimal64(1, 12)), 12)) AS billed,
  if(count() = countIf(isNotNull(c.list_cost)),
    sum(toDecimal128(ifNull(c.list_cost, toDecimal128(0, 12)) * if(f.usd != 0, f.usd, toDecimal64(1, 12)), 12)), NULL) AS listed,
  min(c.is_final) AS is_final, groupUniqArray(c.account) AS accounts
FROM (
  SELECT * FROM charges FINAL WHERE about_models AND start >= {from:DateTime('UTC')} AND start < {to:DateTime('UTC')}) AS c
ASOF LEFT JOIN (
  SELECT currency, valid_from, argMax(usd, recorded_at) AS usd FROM fx_rates FINAL GROUP BY currency, valid_from) AS f
  ON f.currency = c.currency AND c.start >= f.valid_from
GROUP BY day, provider, charge_category, model, token_class, currency
ORDER BY day, provider, charge_category, model, token_class, currency
