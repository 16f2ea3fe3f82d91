-- Partitions of a table with their rows, duplicates of a row that were not merged yet counted.
SELECT _partition_id AS partition, count() AS rows FROM {table:Identifier} GROUP BY partition ORDER BY partition
