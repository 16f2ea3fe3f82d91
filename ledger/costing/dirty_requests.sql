-- Hours with requests behind a version, by side: the newest version, a seal of all that are there, and of those that came within the last so many
-- nanoseconds before the newest of all; a version behind `until` is a clock's that was ahead, and stays recent.
WITH
  (SELECT max(ver) FROM requests WHERE ver > {after:UInt64}) AS latest,
  greatest({after:UInt64}, toUInt64(greatest(0, toInt64(least(ifNull(latest, 0), {until:UInt64})) - toInt64({late:UInt64})))) AS window
SELECT toStartOfHour(at) AS hour, max(side = 'self_hosted') AS own, max(ver) AS seen, sum(cityHash64(ver)) AS seal, sumIf(cityHash64(ver), ver > window) AS recent, any(window) AS since
FROM requests WHERE ver > {after:UInt64} GROUP BY hour ORDER BY hour
