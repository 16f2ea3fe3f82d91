-- Distinct events in a span of whole hours.
SELECT uniqExact(toStartOfHour(at), event_id) AS n FROM requests
WHERE at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')}
