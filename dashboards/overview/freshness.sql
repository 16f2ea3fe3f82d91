-- Seconds since the newest event of the source that is furthest behind, of those that brought any in the last seven days.
SELECT {to:DateTime} AS time, if(count() = 0, NULL, max(greatest(0, dateDiff('second', last, {as_of:DateTime})))) AS value
FROM (
  SELECT source, kind, max(last) AS last FROM (
    SELECT source, 'requests' AS kind, toDateTime64(hour, 3, 'UTC') AS last FROM v_arrivals_hourly WHERE hour >= {as_of:DateTime} - toIntervalDay(7)
    UNION ALL
    SELECT source, 'requests', max(at) FROM requests
    WHERE toStartOfHour(at) >= toStartOfHour({as_of:DateTime}, 'UTC') - toIntervalHour(1)
      OR toStartOfHour(at) IN (SELECT max(hour) FROM v_arrivals_hourly WHERE hour >= {as_of:DateTime} - toIntervalDay(7) GROUP BY source)
    GROUP BY source
    UNION ALL
    SELECT source, 'gpu_samples', toDateTime64(hour, 3, 'UTC') FROM v_gpu_readings_hourly WHERE hour >= {as_of:DateTime} - toIntervalDay(7)
    UNION ALL
    SELECT source, 'gpu_samples', max(at) FROM gpu_samples
    WHERE toStartOfHour(at) >= toStartOfHour({as_of:DateTime}, 'UTC') - toIntervalHour(1)
      OR toStartOfHour(at) IN (SELECT max(hour) FROM v_gpu_readings_hourly WHERE hour >= {as_of:DateTime} - toIntervalDay(7) GROUP BY source)
    GROUP BY source)
  GROUP BY source, kind)
