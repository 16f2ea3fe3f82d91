-- Tokens that workloads ran on own deployments by UTC day: who takes which share of a pool.
SELECT workload, deployment, toDate(w.at) AS day, sum(w.uncached) AS uncached, sum(w.cached) AS cached, sum(w.output) AS output, sum(w.kv2) AS kv2
FROM work_10s AS w FINAL
WHERE toStartOfHour(w.at) >= {from:DateTime('UTC')} AND toStartOfHour(w.at) < {to:DateTime('UTC')} AND w.n != 0 AND w.side = 'self_hosted'
GROUP BY workload, deployment, day
ORDER BY workload, deployment, day
