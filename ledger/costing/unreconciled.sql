-- Hours in which the parts do not add up to the booked money of what counts; must be none.
SELECT hour, sum(booked) AS booked_usd, sum(parts) AS parts_usd FROM (
  SELECT toStartOfHour(at) AS hour, sum(ifNull(cost, toDecimal64(0, 12))) AS booked, toDecimal128(0, 12) AS parts
  FROM requests FINAL
  WHERE side = 'api' AND duplicate_of = 0
    AND (toDate(at, 'UTC'), provider) NOT IN (SELECT day, provider FROM usage_days FINAL WHERE counted = 'reports')
    AND toStartOfHour(at) IN {hours:Array(DateTime('UTC'))} GROUP BY hour
  UNION ALL
  SELECT hour, sum(cost), toDecimal128(0, 12) FROM counted_reports WHERE hour IN {hours:Array(DateTime('UTC'))} GROUP BY hour
  UNION ALL
  SELECT hour, toDecimal128(0, 12), sum(usd) FROM cost_hourly FINAL
  WHERE side = 'api' AND component NOT IN ('overhead', 'commitment_unused') AND hour IN {hours:Array(DateTime('UTC'))} GROUP BY hour)
GROUP BY hour HAVING booked_usd != parts_usd
