-- Where facts come from and how each source is doing, said once for the command line, the API and the page.

CREATE VIEW IF NOT EXISTS v_sources AS
SELECT s.source AS source, s.kind AS kind, s.rows AS rows, s.first AS first, s.last AS last, s.provisional AS provisional,
  s.stored AS stored, r.rejected AS rejected
FROM (
  SELECT source, 'requests' AS kind, count() AS rows, min(at) AS first, max(at) AS last,
    toUInt64(0) AS provisional, fromUnixTimestamp64Nano(toInt64(max(ver)), 'UTC') AS stored
  FROM requests GROUP BY source
  UNION ALL
  SELECT source, 'gpu_samples', count(), min(at), max(at), 0, fromUnixTimestamp64Nano(toInt64(max(ver)), 'UTC')
  FROM gpu_samples GROUP BY source
  UNION ALL
  SELECT source, 'engine_samples', count(), min(at), max(at), 0, fromUnixTimestamp64Nano(toInt64(max(ver)), 'UTC')
  FROM engine_samples GROUP BY source
  UNION ALL
  SELECT source, 'charges', count(), min(start), max(start), countIf(NOT is_final),
    fromUnixTimestamp64Nano(toInt64(max(ver)), 'UTC')
  FROM charges FINAL GROUP BY source
  UNION ALL
  SELECT source, 'usage_buckets', count(), min(start), max(start), countIf(NOT is_final),
    fromUnixTimestamp64Nano(toInt64(max(ver)), 'UTC')
  FROM usage_buckets FINAL GROUP BY source
) AS s LEFT JOIN (SELECT source, count() AS rejected FROM rejected FINAL GROUP BY source) AS r ON s.source = r.source;

CREATE VIEW IF NOT EXISTS v_facts AS
SELECT source, 'requests' AS kind, toDateTime(at, 'UTC') AS at FROM requests
UNION ALL SELECT source, 'gpu_samples', toDateTime(at, 'UTC') FROM gpu_samples
UNION ALL SELECT source, 'engine_samples', toDateTime(at, 'UTC') FROM engine_samples
UNION ALL SELECT source, 'charges', start FROM charges FINAL
UNION ALL SELECT source, 'usage_buckets', start FROM usage_buckets FINAL;

CREATE VIEW IF NOT EXISTS v_asked AS
SELECT source, name AS stream, parseDateTimeBestEffortOrNull(JSONExtractString(value, 'through'), 'UTC') AS complete_through,
  parseDateTimeBestEffortOrNull(JSONExtractString(value, 'succeeded'), 'UTC') AS last_success, JSONExtractString(value, 'error') AS error
FROM source_state FINAL WHERE JSONHas(value, 'through') AND JSONHas(value, 'tried');
