-- Lines of an export: priced tokens and their booked money by day, key and token class, what failed and was repeated apart;
-- from request records, or from what providers report on the days that are counted from reports.
WITH many AS (
  SELECT request_id, minIf((at, attempt, event_id), status < 400) AS success
  FROM requests FINAL
  WHERE at >= {from:DateTime('UTC')} - toIntervalHour(1) AND at < {to:DateTime('UTC')} + toIntervalHour(1) AND duplicate_of = 0 AND request_id != 0
  GROUP BY request_id HAVING count() > 1)
SELECT day, provider, model, deployment, workload, team, environment, region, variant, component, failed, counted,
  sum(k.tokens) AS tokens, sum(k.usd) AS usd
FROM (
  SELECT toStartOfDay(p.at, 'UTC') AS day, p.provider AS provider, p.model AS model, p.deployment AS deployment, p.workload AS workload,
    p.team AS team, p.environment AS environment, p.region AS region,
    multiIf(p.processing = 'batch', 'batch', p.tier IN ('flex', 'priority', 'fast'), toString(p.tier), 'standard') AS variant,
    NOT (p.status < 400 AND (m.request_id = 0 OR m.success = (p.at, p.attempt, p.event_id))) AS failed, 'requests' AS counted,
    arrayJoin([('input_fresh', p.input_fresh, p.usd_input_fresh), ('cache_read', p.cache_read, p.usd_cache_read),
      ('cache_write_short', p.cache_write_short, p.usd_cache_write_short), ('cache_write_long', p.cache_write_long, p.usd_cache_write_long),
      ('cache_write_other', p.cache_write_other, p.usd_cache_write_other), ('output', p.output, p.usd_output),
      ('fees', toInt64(0), p.usd_fees)]) AS part,
    part.1 AS component, part.2 AS tokens, toDecimal128(part.3, 12) AS usd
  FROM counted_attempts AS p LEFT JOIN many AS m ON p.request_id = m.request_id
  WHERE p.side = 'api' AND p.at >= {from:DateTime('UTC')} AND p.at < {to:DateTime('UTC')} AND usd != 0
  UNION ALL
  SELECT toStartOfDay(b.hour, 'UTC'), b.provider, b.model, b.deployment, b.workload, b.team, '', '', b.variant, false, 'reports',
    arrayJoin([('input_fresh', b.input_fresh, b.usd_input_fresh), ('cache_read', b.cache_read, b.usd_cache_read),
      ('cache_write_short', b.cache_write_short, b.usd_cache_write_short), ('cache_write_long', b.cache_write_long, b.usd_cache_write_long),
      ('cache_write_other', b.cache_write_other, b.usd_cache_write_other), ('output', b.output, b.usd_output),
      ('fees', toInt64(0), b.usd_fees)]) AS part, part.1, part.2, toDecimal128(part.3, 12) AS money
  FROM counted_reports AS b
  WHERE b.hour >= {from:DateTime('UTC')} AND b.hour < {to:DateTime('UTC')} AND money != 0) AS k
GROUP BY day, provider, model, deployment, workload, team, environment, region, variant, component, failed, counted
ORDER BY day, provider, model, deployment, workload, team, environment, region, variant, component, failed, counted
