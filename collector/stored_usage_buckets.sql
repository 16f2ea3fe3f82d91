-- What is stored of a window, to find what was revised and what is no longer told.
SELECT source, account, provider, view, start, width_s, model, project, key, tier, processing, context,
  deployment, if(workload = '', 'unassigned', workload) AS workload, team, input_fresh,
  cache_read, cache_write_short, cache_write_long, cache_write_other, output, n_requests, n_web_search, extra,
  is_final, is_deleted
FROM usage_buckets FINAL
WHERE source = {source:String} AND account = {account:String} AND start >= {from:DateTime('UTC')} AND start < {to:DateTime('UTC')}
