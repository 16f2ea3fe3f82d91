-- Tables that hold rows of their own, with how many; not the list of migrations.
SELECT name, total_rows AS rows FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND total_rows > 0 AND name != 'schema_migrations'
ORDER BY name
