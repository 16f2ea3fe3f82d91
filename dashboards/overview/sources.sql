-- Where the figures come from: newest event, how far behind, rows of a day, what may still change, and errors in plain words.
SELECT coalesce(nullIf(s.source, ''), a.source) AS source, coalesce(nullIf(s.kind, ''), a.stream) AS kind, s.last AS last,
  if(s.rows = 0, NULL, greatest(0, dateDiff('second', s.last, {as_of:DateTime}))) AS behind, f.rows_24h AS rows_24h, s.rows AS rows,
  s.provisional AS provisional, s.rejected AS rejected,
  if(a.source = '', '', if(a.error != '', a.error, if(isNull(a.last_success), 'never asked', 'ok'))) AS state
FROM v_sources AS s
LEFT JOIN (
  SELECT source, kind, count() AS rows_24h FROM v_facts WHERE at >= {as_of:DateTime} - toIntervalDay(1) GROUP BY source, kind) AS f
  ON f.source = s.source AND f.kind = s.kind
FULL OUTER JOIN (SELECT source, stream, error, last_success, if(stream = 'usage', 'usage_buckets', if(stream = 'costs', 'charges', if(stream = 'gpus', 'gpu_samples', 'requests'))) AS table FROM v_asked) AS a
  ON s.source = a.source AND s.kind = a.table
WHERE {to:DateTime} > {from:DateTime}
ORDER BY state NOT IN ('', 'ok') DESC, source, kind
