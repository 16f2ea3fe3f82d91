-- Remove the table of the last round.
DROP TABLE raw_target SYNC
