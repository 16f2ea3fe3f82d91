-- How many merges are under way.
SELECT count() AS n FROM system.merges WHERE database = currentDatabase()
