-- Distinct events in a span of whole hours.
SELECT sum(n) AS n FROM (
  SELECT uniqExact(event_id) AS n FROM requests
  WHERE at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')}
  GROUP BY toStartOfHour(at))
