-- Distinct readings in a span of whole hours.
SELECT uniqExact(node, gpu, slice, at) AS n FROM gpu_samples
WHERE toStartOfHour(at) >= {from:DateTime('UTC')} AND at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')}
