-- Touch the reported usage of models that a price was found for, so that the hours that count it are rebuilt.
INSERT INTO usage_buckets
SELECT * REPLACE ({ver:UInt64} AS ver) FROM usage_buckets FINAL
WHERE (provider, model) IN {names:Array(Tuple(String, String))}
