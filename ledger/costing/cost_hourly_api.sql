-- Rebuild the token money of whole hours of cost_hourly from usage_hourly; what vanished falls to zero.
INSERT INTO cost_hourly
SELECT k.hour, 'api', k.provider, k.model, k.deployment, '', k.workload, k.team, k.environment, k.component, 'usage', 'booked',
  sum(k.usd), {ver:UInt64}
FROM (
  SELECT u.hour AS hour, u.provider AS provider, u.model AS model, u.deployment AS deployment, u.workload AS workload,
    u.team AS team, u.environment AS environment, part.1 AS component, part.2 AS usd
  FROM usage_hourly AS u FINAL
  ARRAY JOIN [
    ('input_fresh', u.usd_input_fresh), ('cache_read', u.usd_cache_read), ('cache_write_short', u.usd_cache_write_short),
    ('cache_write_long', u.usd_cache_write_long), ('cache_write_other', u.usd_cache_write_other), ('output', u.usd_output),
    ('fees', u.usd_fees), ('retries_failed', u.usd_retries_failed)] AS part
  WHERE u.side = 'api' AND u.hour IN {hours:Array(DateTime('UTC'))} AND part.2 != 0
  UNION ALL
  SELECT c.hour, c.provider, c.model, c.deployment, c.workload, c.team, c.environment, c.component, toDecimal128(0, 12)
  FROM cost_hourly AS c FINAL
  WHERE c.side = 'api' AND c.component NOT IN ('overhead', 'commitment_unused') AND c.hour IN {hours:Array(DateTime('UTC'))} AND c.usd != 0
) AS k
GROUP BY k.hour, k.provider, k.model, k.deployment, k.workload, k.team, k.environment, k.component
