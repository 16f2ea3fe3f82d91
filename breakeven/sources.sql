-- Where facts came from.
SELECT s.source AS source, s.kind AS kind, s.rows AS rows, s.first AS first, s.last AS last, s.stored AS stored, r.rejected AS rejected
FROM (
  SELECT source, 'requests' AS kind, count() AS rows, min(at) AS first, max(at) AS last,
    fromUnixTimestamp64Nano(toInt64(max(ver)), 'UTC') AS stored FROM requests GROUP BY source
  UNION ALL
  SELECT source, 'gpu_samples', count(), min(at), max(at), fromUnixTimestamp64Nano(toInt64(max(ver)), 'UTC') FROM gpu_samples GROUP BY source
  UNION ALL
  SELECT source, 'charges', count(), min(start), max(start), fromUnixTimestamp64Nano(toInt64(max(ver)), 'UTC') FROM charges FINAL GROUP BY source
  UNION ALL
  SELECT source, 'usage_buckets', count(), min(start), max(start), fromUnixTimestamp64Nano(toInt64(max(ver)), 'UTC') FROM usage_buckets FINAL GROUP BY source
) AS s LEFT JOIN (SELECT source, count() AS rejected FROM rejected FINAL GROUP BY source) AS r ON s.source = r.source
ORDER BY source, kind
