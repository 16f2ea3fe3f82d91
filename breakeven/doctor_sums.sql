-- Booked money of each month as its attempts and reports have it, and as the parts of its hours add up.
SELECT toStartOfMonth(hour) AS month, sum(booked) AS booked_usd, sum(parts) AS parts_usd FROM (
  SELECT toStartOfHour(at) AS hour, sum(ifNull(cost, toDecimal64(0, 12))) AS booked, toDecimal128(0, 12) AS parts
  FROM requests FINAL
  WHERE side = 'api' AND duplicate_of = 0
    AND (toDate(at, 'UTC'), provider) NOT IN (SELECT day, provider FROM usage_days FINAL WHERE counted = 'reports')
  GROUP BY hour
  UNION ALL
  SELECT hour, sum(cost), toDecimal128(0, 12) FROM counted_reports GROUP BY hour
  UNION ALL
  SELECT hour, toDecimal128(0, 12), sum(usd) FROM cost_hourly FINAL
  WHERE side = 'api' AND component NOT IN ('overhead', 'commitment_unused') GROUP BY hour)
GROUP BY month ORDER BY month
