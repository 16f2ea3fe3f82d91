-- Notifications that were given up in the last hour, by channel.
SELECT channel, count() AS n FROM notifications FINAL
WHERE state = 'given_up' AND done_at > {to:DateTime('UTC')} - toIntervalHour(1) AND done_at <= {to:DateTime('UTC')}
GROUP BY channel ORDER BY channel
