-- Rules that were looked at: how many alerts they follow, how many fire, the last look, and what was told in 24 hours.
SELECT a.rule AS rule, countIf(a.told.1 NOT IN ('forgotten')) AS followed, countIf(a.told.1 IN ('firing', 'recovering', 'nodata', 'error')) AS firing,
  toDateTime(max(a.told.2), 'UTC') AS last, any(n.sent) AS sent, any(n.waiting) AS waiting, any(n.given_up) AS given_up
FROM (
  SELECT rule, series, argMax((state, last_seen), (changed_at, ver)) AS told FROM alerts
  WHERE changed_at <= {to:DateTime} + toIntervalHour(1) AND {from:DateTime} < {to:DateTime} GROUP BY rule, series) AS a
LEFT JOIN (
  SELECT rule, countIf(state = 'sent') AS sent, countIf(state = 'waiting') AS waiting, countIf(state = 'given_up') AS given_up FROM notifications FINAL
  WHERE created_at > {to:DateTime} - toIntervalDay(1) AND created_at <= {to:DateTime} + toIntervalHour(1) GROUP BY rule) AS n ON n.rule = a.rule
GROUP BY rule ORDER BY firing DESC, rule LIMIT 200
