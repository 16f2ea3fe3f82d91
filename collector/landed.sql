-- How many rows an insert of lines brought.
SELECT count() AS rows FROM requests WHERE ver = {ver:UInt64}
