-- Where the figures come from: newest event, how far behind, rows of a day, what may still change, and errors in plain words.
-- Whole hours of requests and readings are counted from the hourly counts, which a tick brings up to date.
-- DISTINCT keeps the sorting out of the join: engine 26.9 moves it around there without end.
SELECT DISTINCT * FROM (
  WITH
    {as_of:DateTime} - toIntervalDay(1) AS day_ago,
    toStartOfHour({as_of:DateTime} - toIntervalDay(1), 'UTC') + toIntervalHour(1) AS whole_from,
    toStartOfHour({as_of:DateTime}, 'UTC') - toIntervalHour(1) AS running
  SELECT coalesce(nullIf(s.source, ''), a.source) AS source, coalesce(nullIf(s.kind, ''), a.stream) AS kind, if(s.kind = '', NULL, s.last) AS last,
    if(s.kind = '', NULL, greatest(0, dateDiff('second', s.last, {as_of:DateTime}))) AS behind, s.rows_24h AS rows_24h, nullIf(s.rows, 0) AS rows,
    s.provisional AS provisional, r.rejected AS rejected,
    if(a.source = '', '', if(a.error != '', a.error, if(isNull(a.last_success), 'never asked', 'ok'))) AS state
  FROM (
    SELECT source, kind, sum(rows) AS rows, sum(rows_24h) AS rows_24h, max(last) AS last, sum(provisional) AS provisional
    FROM (
      SELECT source, 'requests' AS kind, toUInt64(sum(attempts)) AS rows, toUInt64(sumIf(attempts, hour >= whole_from)) AS rows_24h,
        toDateTime64(max(hour), 3, 'UTC') AS last, toUInt64(0) AS provisional FROM v_arrivals_hourly GROUP BY source
      UNION ALL
      SELECT source, 'requests', 0, uniqExactIf(event_id, at >= day_ago AND at < whole_from), max(at), 0 FROM requests
      WHERE toStartOfHour(at) = toStartOfHour(day_ago, 'UTC') OR toStartOfHour(at) >= running OR toStartOfHour(at) IN (SELECT max(hour) FROM v_arrivals_hourly GROUP BY source)
      GROUP BY source
      UNION ALL
      SELECT source, 'gpu_samples', toUInt64(sum(readings)), toUInt64(sumIf(readings, hour >= whole_from)), toDateTime64(max(hour), 3, 'UTC'), 0
      FROM v_gpu_readings_hourly GROUP BY source
      UNION ALL
      SELECT source, 'gpu_samples', 0, uniqExactIf((node, gpu, slice, at), at >= day_ago AND at < whole_from), max(at), 0 FROM gpu_samples
      WHERE toStartOfHour(at) = toStartOfHour(day_ago, 'UTC') OR toStartOfHour(at) >= running OR toStartOfHour(at) IN (SELECT max(hour) FROM v_gpu_readings_hourly GROUP BY source)
      GROUP BY source
      UNION ALL
      SELECT source, 'engine_samples', count(), countIf(at >= day_ago), max(at), 0 FROM engine_samples FINAL GROUP BY source
      UNION ALL
      SELECT source, 'charges', count(), countIf(start >= day_ago), max(toDateTime64(start, 3, 'UTC')), countIf(NOT is_final) FROM charges FINAL GROUP BY source
      UNION ALL
      SELECT source, 'usage_buckets', count(), countIf(start >= day_ago), max(toDateTime64(start, 3, 'UTC')), countIf(NOT is_final) FROM usage_buckets FINAL GROUP BY source)
    GROUP BY source, kind) AS s
  LEFT JOIN (SELECT source, count() AS rejected FROM rejected FINAL GROUP BY source) AS r ON r.source = s.source
  FULL OUTER JOIN (SELECT source, stream, error, last_success, if(stream = 'usage', 'usage_buckets', if(stream = 'costs', 'charges', if(stream = 'gpus', 'gpu_samples', 'requests'))) AS table FROM v_asked) AS a
    ON s.source = a.source AND s.kind = a.table
  WHERE {to:DateTime} > {from:DateTime})
ORDER BY state NOT IN ('', 'ok') DESC, source, kind
