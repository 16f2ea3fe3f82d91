-- Alerts that fire or are about to.
SELECT told.1 AS state, rule, told.2 AS summary, toDateTime(told.3, 'UTC') AS since, told.4 AS known_to
FROM (
  SELECT rule, series, argMax((state, summary, ifNull(fired_at, starts_at), acknowledged_by), (changed_at, ver)) AS told FROM alerts
  WHERE changed_at <= {to:DateTime} + toIntervalHour(1) AND {from:DateTime} < {to:DateTime}
  GROUP BY rule, series)
WHERE told.1 NOT IN ('normal', 'forgotten')
ORDER BY state, since DESC, rule LIMIT 200
