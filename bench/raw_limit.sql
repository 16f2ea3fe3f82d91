-- The engine's own limit: the same columns and rows from memory into a table like requests.
INSERT INTO raw_target SELECT * FROM raw_memory
