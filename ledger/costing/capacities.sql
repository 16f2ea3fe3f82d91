-- The capacity in force of every deployment that one was recorded for.
SELECT deployment, recorded_at, s_per_uncached, s_per_cached, s_per_output, s_per_kv, grade, ttft_p99_ms, tpot_p90_ms, evidence
FROM v_capacities ORDER BY recorded_at DESC LIMIT 1 BY deployment
