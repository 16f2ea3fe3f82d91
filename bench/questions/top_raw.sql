-- Twenty dearest workloads, thirty days: from requests.
SELECT workload, sum(cost) AS usd FROM requests FINAL
WHERE at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} GROUP BY workload ORDER BY usd DESC, workload LIMIT 20
