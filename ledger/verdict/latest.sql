-- The latest verdict of every workload, or of one.
SELECT at, workload, verdict, reason, current, option, replicas, used_share_needed, used_share, api_usd_month,
  candidate_usd_month, saving_usd_month, requests_month, coverage, flips_at, details
FROM v_verdicts
WHERE ({workload:String} = '' OR workload = {workload:String})
ORDER BY at DESC LIMIT 1 BY workload
