-- Where the engine keeps the files of a table.
SELECT data_paths[1] AS folder FROM system.tables WHERE database = currentDatabase() AND name = {table:String}
