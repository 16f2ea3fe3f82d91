-- Requests of a workload in a mean hour of the week, UTC: over every such hour of the range since its first request.
SELECT ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][weekday] AS lane,
  nullIf(avgIf(requests, at = 0), 0) AS h00, nullIf(avgIf(requests, at = 1), 0) AS h01, nullIf(avgIf(requests, at = 2), 0) AS h02, nullIf(avgIf(requests, at = 3), 0) AS h03,
  nullIf(avgIf(requests, at = 4), 0) AS h04, nullIf(avgIf(requests, at = 5), 0) AS h05, nullIf(avgIf(requests, at = 6), 0) AS h06, nullIf(avgIf(requests, at = 7), 0) AS h07,
  nullIf(avgIf(requests, at = 8), 0) AS h08, nullIf(avgIf(requests, at = 9), 0) AS h09, nullIf(avgIf(requests, at = 10), 0) AS h10, nullIf(avgIf(requests, at = 11), 0) AS h11,
  nullIf(avgIf(requests, at = 12), 0) AS h12, nullIf(avgIf(requests, at = 13), 0) AS h13, nullIf(avgIf(requests, at = 14), 0) AS h14, nullIf(avgIf(requests, at = 15), 0) AS h15,
  nullIf(avgIf(requests, at = 16), 0) AS h16, nullIf(avgIf(requests, at = 17), 0) AS h17, nullIf(avgIf(requests, at = 18), 0) AS h18, nullIf(avgIf(requests, at = 19), 0) AS h19,
  nullIf(avgIf(requests, at = 20), 0) AS h20, nullIf(avgIf(requests, at = 21), 0) AS h21, nullIf(avgIf(requests, at = 22), 0) AS h22, nullIf(avgIf(requests, at = 23), 0) AS h23
FROM (
  SELECT toDayOfWeek(h.hour) AS weekday, toHour(h.hour) AS at, ifNull(u.requests, 0) AS requests, sum(ifNull(u.there, 0)) OVER () AS hours
  FROM (SELECT toDateTime(arrayJoin(range(toUInt32(toStartOfHour({from:DateTime}, 'UTC')), toUInt32({to:DateTime}), 3600)), 'UTC') AS hour) AS h
  LEFT JOIN (
    SELECT hour, sum(requests) AS requests, 1 AS there FROM v_usage_hourly
    WHERE workload = {workload:String} AND hour >= {from:DateTime} AND hour < {to:DateTime} GROUP BY hour) AS u ON u.hour = h.hour
  -- The day of the first request is found in whole days, its hour among the hours of that day.
  WHERE h.hour >= (
    SELECT min(hour) FROM v_usage_hourly
    WHERE workload = {workload:String} AND toStartOfDay(hour) = (SELECT min(day) FROM usage_periods WHERE whole AND workload = {workload:String})))
WHERE hours > 0
GROUP BY weekday ORDER BY weekday
