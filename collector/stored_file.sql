-- What is stored of the charges that a file of this name told, or that lie in its span: to find what it tells anew.
SELECT source, account, provider, start, end, charge_category, line, model, token_class, project, key, tier,
  resource, row_id, billed_cost, effective_cost, list_cost, currency, quantity, unit, billing_period, origin,
  about_models, is_final, is_deleted
FROM charges FINAL
WHERE source = {source:String} AND (origin = {origin:String} OR start BETWEEN {from:DateTime('UTC')} AND {to:DateTime('UTC')})
