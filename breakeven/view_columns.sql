-- The documented views with their columns and what each says.
SELECT table AS view, name, type, comment FROM system.columns
WHERE database = currentDatabase() AND startsWith(table, 'v_') ORDER BY view, position
