-- Money of the attempts of the last complete UTC day, and of the rollup.
SELECT f.usd AS facts, r.usd AS rollup FROM (
  SELECT sum(cost) AS usd FROM v_requests
  WHERE side = 'api' AND at >= toStartOfDay({to:DateTime('UTC')}) - toIntervalDay(1) AND at < toStartOfDay({to:DateTime('UTC')})
    AND (toDate(at, 'UTC'), provider) NOT IN (SELECT day, provider FROM v_usage_days WHERE counted != 'requests')) AS f
CROSS JOIN (
  SELECT sum(cost) AS usd FROM v_usage_hourly
  WHERE side = 'api' AND counted = 'requests' AND hour >= toStartOfDay({to:DateTime('UTC')}) - toIntervalDay(1) AND hour < toStartOfDay({to:DateTime('UTC')})) AS r
