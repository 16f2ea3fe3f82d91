-- Have the engine leave it to the system when an insert into a table reaches the disk.
ALTER TABLE {table:Identifier} MODIFY SETTING fsync_after_insert = 0, fsync_part_directory = 0
