-- The same of a peer's table.
SELECT CAST("at" AS date) AS day, model, sum(cost) AS usd FROM requests
WHERE "at" >= CAST(:'from' AS timestamp) - INTERVAL '60 days' AND "at" < CAST(:'to' AS timestamp) GROUP BY 1, 2 ORDER BY 1, 2
