-- Which groups of a window are stored, to find those that are no longer told.
SELECT source, account, provider, view, start, width_s, model, project, key, tier, processing, context
FROM usage_buckets FINAL
WHERE source = {source:String} AND account = {account:String} AND start >= {from:DateTime('UTC')} AND start < {to:DateTime('UTC')}
