-- Which program keeps this store, and how old its price book is.
SELECT b.version AS version, b.config AS config, b.started AS started, m.migrations AS migrations, p.age AS price_book_days
FROM (
  SELECT count() AS n, JSONExtractString(argMax(value, ver), 'version') AS version, JSONExtractString(argMax(value, ver), 'config') AS config,
    parseDateTimeBestEffortOrNull(JSONExtractString(argMax(value, ver), 'started'), 'UTC') AS started
  FROM source_state WHERE source = 'breakeven' AND name = 'build') AS b
CROSS JOIN (SELECT max(number) AS migrations FROM schema_migrations) AS m
CROSS JOIN (SELECT argMax(value, (at, ver)) AS age FROM signals WHERE rule = 'price_book_age_days') AS p
WHERE b.n > 0 AND {from:DateTime} < {to:DateTime}
