-- Distinct events by hour in a span of whole hours.
SELECT toStartOfHour(at) AS hour, uniqExact(event_id) AS n FROM requests
WHERE at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')}
GROUP BY hour
