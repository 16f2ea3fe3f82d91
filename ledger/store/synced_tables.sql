-- Tables that hold rows of their own, and whether their inserts wait for the disk.
SELECT name, position(create_table_query, 'fsync_after_insert = 1') > 0 AS synced
FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY name
