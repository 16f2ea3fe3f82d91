-- What time the store has.
SELECT now64(3, 'UTC') AS there
