-- Sources that bring requests while they happen: seconds since the newest, and how far its filled hours lie apart as a rule. What
-- was imported from a file days later is nobody's silence.
SELECT source, dateDiff('second', max(at), {to:DateTime('UTC')}) AS age_s, greatest(3600, dateDiff('second', min(at), max(at)) / greatest(1, uniqExact(toStartOfHour(at)) - 1)) AS period_s
FROM requests
WHERE at > {to:DateTime('UTC')} - toIntervalDay(7) AND at <= {to:DateTime('UTC')} AND intDiv(ver, 1000000000) < toUInt32(at) + 3600
GROUP BY source HAVING uniqExact(toStartOfHour(at)) >= 12
UNION ALL
SELECT concat(source, ' ', stream) AS source, dateDiff('second', assumeNotNull(last_success), {to:DateTime('UTC')}) AS age_s, 7200 AS period_s FROM v_asked WHERE isNotNull(last_success)
ORDER BY source
