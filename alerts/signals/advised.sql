-- The latest advice and verdict of every workload, and when its traffic moved last.
SELECT a.workload AS workload, a.told.1 AS state, a.told.2 AS candidate, v.details AS details, v.current AS current, m.moved AS moved
FROM (
  SELECT workload, argMax((state, candidate), (day, ver)) AS told FROM advice WHERE day < toDate({to:DateTime('UTC')}, 'UTC') GROUP BY workload) AS a
INNER JOIN (
  SELECT workload, argMax(details, at) AS details, argMax(current, at) AS current FROM v_verdicts
  WHERE at <= {to:DateTime('UTC')} GROUP BY workload) AS v ON v.workload = a.workload
LEFT JOIN (SELECT workload, max(day) AS moved FROM v_advice WHERE event = 'switched' GROUP BY workload) AS m ON m.workload = a.workload
ORDER BY workload
