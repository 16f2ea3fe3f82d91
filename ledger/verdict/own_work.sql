-- Tokens that workloads ran on own deployments in a window: who takes which share of a pool.
SELECT workload, deployment, side, sum(w.uncached) AS uncached, sum(w.cached) AS cached, sum(w.output) AS output, sum(w.kv2) AS kv2
FROM work_10s AS w FINAL
WHERE toStartOfHour(w.at) >= {from:DateTime('UTC')} AND toStartOfHour(w.at) < {to:DateTime('UTC')} AND w.n != 0
GROUP BY workload, deployment, side
ORDER BY workload, deployment, side
