-- The lines are not needed any more.
DROP TABLE raw_lines
