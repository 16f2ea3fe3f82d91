-- Cost of 720 h against requests a day with today's mix: the API, whole replicas without overflow (peak ÷ 0.8, rounded up, and one
-- spare), and the best that the latest verdict found at today's volume.
SELECT factor * requests_month / 30 AS per_day, factor * api AS API, (ceil(factor * peak / 0.8 - 1e-9) + 1) * rate * 720 + fixed AS own,
  if(step = 41, best, NULL) AS today
FROM (
  SELECT step, if(step = 41, 1., step / 40 * widest) AS factor, requests_month, api, best, peak, rate, fixed
  FROM (
    SELECT requests_month, toFloat64(api_usd_month) AS api, toFloat64(candidate_usd_month) AS best,
      JSONExtract(details, 'judgement', 'choices', 1, 'peak', 'Nullable(Float64)') AS peak,
      JSONExtract(details, 'judgement', 'choices', 1, 'usd_replica_hour', 'Nullable(Float64)') AS rate,
      JSONExtract(details, 'facts', 'own', 'Array(Tuple(deployment String, usd_fixed_month Float64))') AS boxes,
      boxes.2[nullIf(indexOf(boxes.1, JSONExtractString(details, 'judgement', 'choices', 1, 'deployment')), 0)] AS fixed,
      greatest(2., least(40., 1.3 * ifNull((rate * 720 + fixed) / nullIf(greatest(api - peak / 0.8 * rate * 720, 0), 0), 0))) AS widest
    FROM v_verdicts WHERE workload = {workload:String} AND at < {to:DateTime} + toIntervalHour(1) AND {from:DateTime} < {to:DateTime}
    ORDER BY at DESC LIMIT 1)
  ARRAY JOIN range(0, 42) AS step)
WHERE isNotNull(peak)
ORDER BY per_day, today
