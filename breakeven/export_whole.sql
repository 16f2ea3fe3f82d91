-- A view that has no time.
SELECT * FROM {view:Identifier} ORDER BY ALL
