-- Own deployments with a known capacity: replicas that were there in each of the last 7 days, and the peak of their work.
WITH declared AS (
  SELECT name, argMax(pool, (recorded_at, ver)) AS pool, argMax(gpus_per_replica, (recorded_at, ver)) AS size, argMax(s_per_uncached, (recorded_at, ver)) AS a,
    argMax(s_per_cached, (recorded_at, ver)) AS c, argMax(s_per_output, (recorded_at, ver)) AS o, argMax(s_per_kv, (recorded_at, ver)) AS k
  FROM deployments GROUP BY name HAVING argMax(side, (recorded_at, ver)) = 'self_hosted' AND (a > 0 OR o > 0))
SELECT d.name AS deployment, d.pool AS pool, g.running / greatest(d.size, 1) AS running, ifNull(p.peak, 0) AS peak, g.usd_hour * greatest(d.size, 1) AS usd_hour
FROM declared AS d
INNER JOIN (
  SELECT deployment, min(n) AS running, count() AS days, avg(usd_hour) AS usd_hour FROM (
    SELECT deployment, toDate(hour) AS day, uniqExact(gpu) AS n, sum(toFloat64(usd)) / sum(seconds) * 3600 AS usd_hour FROM v_gpu_hourly
    WHERE hour >= {to:DateTime('UTC')} - toIntervalDay(7) AND hour < {to:DateTime('UTC')} AND deployment != '' GROUP BY deployment, day)
  GROUP BY deployment HAVING days >= 7) AS g ON g.deployment = d.name
LEFT JOIN (
  SELECT deployment, max(load) AS peak FROM (
    SELECT w.deployment AS deployment, w.at AS at, sum(d.a * w.uncached + d.c * w.cached + d.o * w.output + d.k * w.kv2 / 2) / 10 AS load
    FROM work_10s AS w FINAL INNER JOIN declared AS d ON d.name = w.deployment
    WHERE toStartOfHour(w.at) >= {to:DateTime('UTC')} - toIntervalDay(7) AND toStartOfHour(w.at) < {to:DateTime('UTC')} AND w.side = 'self_hosted' AND w.n != 0
    GROUP BY deployment, at)
  GROUP BY deployment) AS p ON p.deployment = d.name
ORDER BY deployment
