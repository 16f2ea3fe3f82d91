-- Latest verdict of each workload.
SELECT v.workload AS workload, w.team AS team, v.current AS current, v.verdict AS verdict, v.replicas AS replicas,
  toFloat64(v.api_usd_month) * 1000 / nullIf(v.requests_month, 0) AS api_per_1k,
  toFloat64(v.candidate_usd_month) * 1000 / nullIf(v.requests_month, 0) AS best_per_1k,
  v.used_share_needed AS used_share_needed, v.used_share AS used_share, v.saving_usd_month AS saving_usd_month,
  JSONExtractString(v.details, 'advice', 'state') AS advice, v.flips_at AS flips_at, v.coverage AS coverage, v.reason AS reason
FROM (
  SELECT at, workload, verdict, current, replicas, api_usd_month, candidate_usd_month, requests_month, used_share_needed, used_share,
    saving_usd_month, flips_at, coverage, reason, details FROM v_verdicts
  WHERE at < {to:DateTime} + toIntervalHour(1) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)})
    AND (empty({team:Array(String)}) OR workload IN (SELECT name FROM workloads GROUP BY name HAVING argMax(team, recorded_at) IN {team:Array(String)}))
  ORDER BY at DESC LIMIT 1 BY workload) AS v
LEFT JOIN (SELECT name, argMax(team, recorded_at) AS team FROM workloads GROUP BY name) AS w ON w.name = v.workload
ORDER BY ifNull(saving_usd_month, toDecimal128(0, 12)) DESC, workload
LIMIT 200
