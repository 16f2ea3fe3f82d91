-- Rebuild whole hours of the API side of a vintage: the recorded tokens at the prices of the day from {priced_at} on.
-- What vanished falls to zero.
INSERT INTO cost_vintages
WITH many AS (
  SELECT request_id, min((at, attempt, event_id)) AS first, minIf((at, attempt, event_id), status < 400) AS success
  FROM requests FINAL
  WHERE toStartOfHour(at) IN {around:Array(DateTime('UTC'))} AND duplicate_of = 0 AND request_id != 0
  GROUP BY request_id HAVING count() > 1)
SELECT k.hour, 'api', k.provider, k.model, k.deployment, '', k.workload, k.team, k.environment, k.component, 'usage', {vintage:String},
  k.counted, sum(k.usd), sum(k.usd_approximate), sum(k.unpriced_tokens), {ver:UInt64}
FROM (
  SELECT toStartOfHour(p.at) AS hour, p.provider AS provider, p.model AS model, p.deployment AS deployment, p.workload AS workload,
    p.team AS team, p.environment AS environment, 'requests' AS counted,
    p.status < 400 AND (m.request_id = 0 OR m.success = (p.at, p.attempt, p.event_id)) AS good,
    arrayJoin([('input_fresh', p.usd_input_fresh), ('cache_read', p.usd_cache_read), ('cache_write_short', p.usd_cache_write_short),
      ('cache_write_long', p.usd_cache_write_long), ('cache_write_other', p.usd_cache_write_other), ('output', p.usd_output),
      ('fees', p.usd_fees), ('unpriced', toDecimal128(0, 12))]) AS part,
    if(good OR part.1 = 'unpriced', part.1, 'retries_failed') AS component, toDecimal128(part.2, 12) AS usd,
    if(p.approximate, usd, toDecimal128(0, 12)) AS usd_approximate,
    toInt64(if(part.1 = 'unpriced', p.unpriced_tokens, 0)) AS unpriced_tokens
  FROM repriced_attempts(priced_at = {priced_at:DateTime('UTC')}) AS p LEFT JOIN many AS m ON p.request_id = m.request_id
  WHERE toStartOfHour(p.at) IN {hours:Array(DateTime('UTC'))} AND (usd != 0 OR unpriced_tokens != 0)
  UNION ALL
  SELECT b.hour, b.provider, b.model, b.deployment, b.workload, b.team, '', 'reports', true,
    arrayJoin([('input_fresh', b.usd_input_fresh), ('cache_read', b.usd_cache_read), ('cache_write_short', b.usd_cache_write_short),
      ('cache_write_long', b.usd_cache_write_long), ('cache_write_other', b.usd_cache_write_other), ('output', b.usd_output),
      ('fees', b.usd_fees), ('unpriced', toDecimal128(0, 12))]) AS part, part.1, toDecimal128(part.2, 12) AS usd,
    if(b.approximate, usd, toDecimal128(0, 12)), toInt64(if(part.1 = 'unpriced', b.unpriced_tokens, 0)) AS unpriced
  FROM repriced_reports(priced_at = {priced_at:DateTime('UTC')}) AS b
  WHERE b.hour IN {hours:Array(DateTime('UTC'))} AND (usd != 0 OR unpriced != 0)
  UNION ALL
  SELECT c.hour, c.provider, c.model, c.deployment, c.workload, c.team, c.environment, toString(c.counted), true, ('', toDecimal128(0, 12)),
    toString(c.component), toDecimal128(0, 12), toDecimal128(0, 12), toInt64(0)
  FROM cost_vintages AS c FINAL
  WHERE c.vintage = {vintage:String} AND c.side = 'api' AND c.counted != 'declared' AND c.hour IN {hours:Array(DateTime('UTC'))}
) AS k
GROUP BY k.hour, k.provider, k.model, k.deployment, k.workload, k.team, k.environment, k.component, k.counted
