-- The latest verdict of a workload: what, since when, how sure, what it saves, what would flip it.
SELECT v.verdict AS verdict, v.replicas AS replicas, v.current AS current,
  (SELECT min(at) FROM v_verdicts WHERE workload = {workload:String} AND at < {to:DateTime} + toIntervalHour(1) AND at > (
    SELECT maxOrDefault(at) FROM v_verdicts WHERE workload = {workload:String} AND at < {to:DateTime} + toIntervalHour(1) AND verdict != (
      SELECT argMax(verdict, at) FROM v_verdicts WHERE workload = {workload:String} AND at < {to:DateTime} + toIntervalHour(1)))) AS since,
  JSONExtractString(v.details, 'advice', 'state') AS advice, v.saving_usd_month AS saving,
  30 * JSONExtract(v.details, 'bound', 'lower', 'Nullable(Float64)') AS saving_low, 30 * JSONExtract(v.details, 'bound', 'upper', 'Nullable(Float64)') AS saving_high,
  30 * JSONExtract(v.details, 'payback', 'months', 'Nullable(Float64)') AS payback_days, v.coverage AS coverage, v.flips_at AS flips_at,
  arrayStringConcat(JSONExtract(v.details, 'advice', 'blocking', 'Array(String)'), ', ') AS held_back, v.reason AS reason
FROM v_verdicts AS v
WHERE workload = {workload:String} AND at < {to:DateTime} + toIntervalHour(1) AND {from:DateTime} < {to:DateTime}
ORDER BY v.at DESC LIMIT 1
