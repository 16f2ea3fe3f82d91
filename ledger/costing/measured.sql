-- Deployments whose latest declaration says how much a replica can do.
SELECT name FROM (
  SELECT name, argMax(s_per_uncached > 0 OR s_per_output > 0, (recorded_at, ver)) AS known FROM deployments GROUP BY name)
WHERE known ORDER BY name
