-- First and last time in a view.
SELECT count() AS rows, toDateTime(min({time:Identifier}), 'UTC') AS first, toDateTime(max({time:Identifier}), 'UTC') AS last FROM {view:Identifier}
