-- Read every part of a table and hold it against its checksums.
CHECK TABLE {table:Identifier} SETTINGS check_query_single_value_result = 0
