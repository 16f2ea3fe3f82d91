-- Tables of the store by size.
SELECT name, total_rows AS rows, total_bytes AS bytes, parts, comment FROM system.tables
WHERE database = currentDatabase() AND total_rows > 0 AND {from:DateTime} < {to:DateTime}
ORDER BY bytes DESC LIMIT 200
