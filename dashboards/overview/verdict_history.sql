-- Verdict of each workload by bucket, the last one in it: its place among the words of the mapping.
SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time, workload AS lane,
  indexOf(['api', 'self_hosted', 'hybrid', 'inconclusive', 'insufficient_data', 'insufficient_capacity', 'no_options', 'blocked'], argMax(verdict, at)) AS value
FROM v_verdicts
WHERE at >= {from:DateTime} AND at < {to:DateTime} + toIntervalHour(1) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)})
  AND (empty({team:Array(String)}) OR workload IN (SELECT name FROM workloads GROUP BY name HAVING argMax(team, recorded_at) IN {team:Array(String)}))
GROUP BY time, lane ORDER BY time, lane
