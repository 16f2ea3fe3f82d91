-- Where facts came from.
SELECT s.source AS source, s.kind AS kind, s.rows AS rows, f.rows_24h AS rows_24h, s.first AS first, s.last AS last,
  s.provisional AS provisional, s.stored AS stored, s.rejected AS rejected
FROM v_sources AS s
LEFT JOIN (
  SELECT source, kind, count() AS rows_24h FROM v_facts WHERE at >= {as_of:DateTime} - toIntervalDay(1) GROUP BY source, kind) AS f
  ON f.source = s.source AND f.kind = s.kind
ORDER BY source, kind
