-- The same of a peer's table.
SELECT workload, sum(cost) AS usd FROM requests
WHERE "at" >= CAST(:'from' AS timestamp) AND "at" < CAST(:'to' AS timestamp) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20
