-- The same of a peer's table.
SELECT team, model, sum(cost) AS usd FROM requests
WHERE "at" >= CAST(:'from' AS timestamp) AND "at" < CAST(:'to' AS timestamp) GROUP BY 1, 2 ORDER BY 1, 2
