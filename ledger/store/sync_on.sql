-- Have the engine wait for the disk with each insert into a table.
ALTER TABLE {table:Identifier} MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1
