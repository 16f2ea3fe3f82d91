-- The same of a peer's table.
SELECT model, percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) AS p95 FROM requests
WHERE NOT failed AND "at" >= CAST(:'from' AS timestamp) AND "at" < CAST(:'to' AS timestamp) GROUP BY 1 ORDER BY 1
