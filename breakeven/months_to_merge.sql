-- Months of tables that lie in more parts than one, or in one that nothing was merged into: rows that newer ones replaced are still
-- in them and are sorted out at each reading. Facts only before an instant, what is computed from them in every month.
SELECT p.table AS table, p.partition_id AS month
FROM system.parts AS p
WHERE p.database = currentDatabase() AND p.active AND toUInt32OrZero(p.partition_id) > 190000
  AND (NOT match(p.table, '^(requests|gpu_samples|engine_samples)(_local)?$') OR toUInt32OrZero(p.partition_id) < toYYYYMM({facts_before:DateTime('UTC')}))
GROUP BY table, month
HAVING (count() > 1 OR max(p.level) = 0) AND sum(p.rows) <= {most_rows:UInt64}
ORDER BY table, month
