-- Which groups of a window are stored, to find those that are no longer told.
SELECT source, account, provider, start, end, charge_category, line, model, token_class, project, key, tier, resource, currency
FROM charges FINAL
WHERE source = {source:String} AND account = {account:String} AND start >= {from:DateTime('UTC')} AND start < {to:DateTime('UTC')}
