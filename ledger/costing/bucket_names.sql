-- Names in the usage that providers report, to have them priced.
SELECT DISTINCT provider, model, multiIf(processing = 'batch', 'batch', tier IN ('flex', 'priority', 'fast'), tier, 'standard') AS variant
FROM usage_buckets FINAL WHERE start >= {from:DateTime('UTC')} AND start < {to:DateTime('UTC')}
