-- Notifications that are in the store already.
SELECT channel, key FROM notifications FINAL WHERE key IN {keys:Array(String)} ORDER BY channel, key
