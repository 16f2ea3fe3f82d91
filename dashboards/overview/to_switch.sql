-- Workloads whose latest verdict is not where they run.
SELECT {to:DateTime} AS time, if(count() = 0, NULL, countIf(verdict IN ('api', 'self_hosted', 'hybrid') AND verdict != current AND current != '')) AS value
FROM (
  SELECT workload, argMax(verdict, at) AS verdict, argMax(current, at) AS current FROM v_verdicts
  WHERE at < {to:DateTime} + toIntervalHour(1) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)})
    AND (empty({team:Array(String)}) OR workload IN (SELECT name FROM workloads GROUP BY name HAVING argMax(team, recorded_at) IN {team:Array(String)}))
  GROUP BY workload)
