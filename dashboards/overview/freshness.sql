-- Seconds since the newest event of the source that is furthest behind.
SELECT {to:DateTime} AS time, if(count() = 0, NULL, max(greatest(0, dateDiff('second', last, {as_of:DateTime})))) AS value
FROM (
  SELECT source, max(at) AS last FROM requests WHERE at >= {as_of:DateTime} - toIntervalDay(7) GROUP BY source
  UNION ALL
  SELECT source, max(at) AS last FROM gpu_samples WHERE at >= {as_of:DateTime} - toIntervalDay(7) GROUP BY source)
