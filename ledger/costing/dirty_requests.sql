-- Hours whose requests changed since a version, by side, and the newest version seen.
SELECT toStartOfHour(at) AS hour, max(side = 'self_hosted') AS own, max(ver) AS seen
FROM requests WHERE ver > {after:UInt64} GROUP BY hour ORDER BY hour
