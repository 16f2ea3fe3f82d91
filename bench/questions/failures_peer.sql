-- The same of a peer's table.
SELECT model, count(*) AS n, sum(CASE WHEN failed THEN 1 ELSE 0 END) AS failures FROM requests
WHERE "at" >= CAST(:'from' AS timestamp) AND "at" < CAST(:'to' AS timestamp) GROUP BY 1 ORDER BY 1
