-- First hour with facts, of each side. Facts lie in the order of their hours: the first is found without reading the rest.
SELECT
  (SELECT minOrNull(hour) FROM (
    (SELECT toStartOfHour(at) AS hour FROM requests WHERE side = 'api' ORDER BY toStartOfHour(at) LIMIT 1)
    UNION ALL SELECT toStartOfHour(min(start)) FROM usage_buckets HAVING count() > 0)) AS api,
  (SELECT minOrNull(hour) FROM (
    (SELECT toStartOfHour(at) AS hour FROM requests WHERE side = 'self_hosted' ORDER BY toStartOfHour(at) LIMIT 1)
    UNION ALL (SELECT toStartOfHour(at) FROM gpu_samples ORDER BY toStartOfHour(at) LIMIT 1)
    UNION ALL (SELECT toStartOfHour(at) FROM engine_samples ORDER BY toStartOfHour(at) LIMIT 1))) AS own
