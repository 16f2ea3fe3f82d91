-- Notifications that are to be sent and whose time has come.
SELECT channel, key, created_at, rule, status, alerts, state, attempts, next_at, done_at, answer FROM notifications FINAL
WHERE state = 'waiting' AND next_at <= {at:DateTime64(3, 'UTC')}
ORDER BY created_at, channel, key
