-- Requests that no workload's rule took, by what a rule could name. Only hours that may have any are read: those of the hourly
-- counts, and days of which reports count and not requests.
SELECT side, provider, model, key, team, environment, count() AS attempts, sum(total_input + output) AS tokens, sum(cost) AS cost, sum(unpriced_tokens) AS unpriced, toDateTime(max(at), 'UTC') AS last
FROM v_requests
WHERE workload IN ('', 'unassigned') AND at >= {from:DateTime} AND at < {to:DateTime}
  AND toStartOfHour(at) IN (
    SELECT hour FROM v_usage_hourly WHERE workload IN ('', 'unassigned') AND hour >= toStartOfHour({from:DateTime}, 'UTC') AND hour < {to:DateTime}
    UNION ALL
    SELECT toDateTime(day, 'UTC') + toIntervalHour(arrayJoin(range(24))) FROM v_usage_days
    WHERE counted != 'requests' AND day >= toDate({from:DateTime}, 'UTC') AND day <= toDate({to:DateTime}, 'UTC'))
GROUP BY side, provider, model, key, team, environment ORDER BY cost DESC, tokens DESC LIMIT 200
