-- First hour with facts, of each side.
SELECT
  (SELECT minOrNull(hour) FROM (
    SELECT toStartOfHour(min(at)) AS hour FROM requests WHERE side = 'api' HAVING count() > 0
    UNION ALL SELECT toStartOfHour(min(start)) FROM usage_buckets HAVING count() > 0)) AS api,
  (SELECT minOrNull(hour) FROM (
    SELECT toStartOfHour(min(at)) AS hour FROM requests WHERE side = 'self_hosted' HAVING count() > 0
    UNION ALL SELECT toStartOfHour(min(at)) FROM gpu_samples HAVING count() > 0
    UNION ALL SELECT toStartOfHour(min(at)) FROM engine_samples HAVING count() > 0)) AS own
