-- How many requests spans have brought.
SELECT count() AS rows FROM requests WHERE source = 'otlp'
