-- Money of the attempts of the last complete UTC day less that of the rollup: anything but 0 is an error of ours.
SELECT {to:DateTime} AS time, if(f.n + r.n = 0, NULL, toFloat64(f.usd) - toFloat64(r.usd)) AS value
FROM (
  SELECT count() AS n, sum(cost) AS usd FROM v_requests
  WHERE side = 'api' AND at >= toStartOfDay({to:DateTime}) - toIntervalDay(1) AND at < toStartOfDay({to:DateTime})
    AND (toDate(at, 'UTC'), provider) NOT IN (SELECT day, provider FROM v_usage_days WHERE counted != 'requests')) AS f
CROSS JOIN (
  SELECT count() AS n, sum(cost) AS usd FROM v_usage_hourly
  WHERE side = 'api' AND counted = 'requests' AND hour >= toStartOfDay({to:DateTime}) - toIntervalDay(1) AND hour < toStartOfDay({to:DateTime}) AND {from:DateTime} < {to:DateTime}) AS r
