-- The same of a peer's table.
SELECT date_trunc('hour', "at") AS hour, sum(tokens_in) AS tokens_in, sum(tokens_out) AS tokens_out FROM requests
WHERE "at" >= CAST(:'from' AS timestamp) AND "at" < CAST(:'to' AS timestamp) GROUP BY 1 ORDER BY 1
