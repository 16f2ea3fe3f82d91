-- Requests whose id is still kept, events that another event's hash hides, requests that lie in the future.
SELECT
  (SELECT count() FROM requests WHERE event_key != '') AS rows,
  (SELECT count() FROM (
    SELECT toStartOfHour(at) AS hour, event_id FROM requests WHERE event_key != '' GROUP BY hour, event_id HAVING min(event_key) != max(event_key))) AS collided,
  (SELECT count() FROM requests FINAL WHERE at > toDateTime64({latest:DateTime('UTC')}, 3, 'UTC')) AS ahead
