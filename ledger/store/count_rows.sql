-- Rows of a table, duplicates of a row that were not merged yet counted.
SELECT count() AS n FROM {table:Identifier}
