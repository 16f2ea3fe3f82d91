-- All money of each day, as its hours and as the day itself have it.
SELECT day, sum(hours) AS hours_usd, sum(days) AS days_usd FROM (
  SELECT toStartOfDay(hour) AS day, sum(usd) AS hours, toDecimal128(0, 12) AS days FROM cost_hourly FINAL GROUP BY day
  UNION ALL
  SELECT day, toDecimal128(0, 12), sum(usd) FROM cost_daily FINAL GROUP BY day)
GROUP BY day ORDER BY day
