-- A span of a view by its time.
SELECT * FROM {view:Identifier} WHERE {time:Identifier} >= {from:DateTime('UTC')} AND {time:Identifier} < {to:DateTime('UTC')} ORDER BY ALL
