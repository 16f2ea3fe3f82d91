-- What is stored of a window, to find what was revised and what is no longer told.
SELECT source, account, provider, start, end, charge_category, line, model, token_class, project, key, tier,
  resource, row_id, billed_cost, effective_cost, list_cost, currency, quantity, unit, billing_period, origin,
  about_models, is_final, is_deleted
FROM charges FINAL
WHERE source = {source:String} AND account = {account:String} AND start >= {from:DateTime('UTC')} AND start < {to:DateTime('UTC')}
