-- Each source by bucket since its first fact in the range: 1 it brought facts, 2 it brought none while it usually does (more than
-- half of its buckets), 3 none where that is usual.
SELECT b.time AS time, s.source AS lane, multiIf(f.n > 0, 1, s.told * 2 > s.possible, 2, 3) AS value
FROM (
  SELECT toStartOfInterval(toDateTime(arrayJoin(range(toUInt32({from:DateTime}), toUInt32({to:DateTime}), {bucket:UInt32})), 'UTC'), toIntervalSecond({bucket:UInt32})) AS time) AS b
CROSS JOIN (
  SELECT source, min(toStartOfInterval(at, toIntervalSecond({bucket:UInt32}))) AS first, uniqExact(toStartOfInterval(at, toIntervalSecond({bucket:UInt32}))) AS told,
    intDiv(dateDiff('second', first, {to:DateTime}), {bucket:UInt32}) + 1 AS possible
  FROM v_facts WHERE at >= {from:DateTime} AND at < {to:DateTime} GROUP BY source) AS s
LEFT JOIN (
  SELECT source, toStartOfInterval(at, toIntervalSecond({bucket:UInt32})) AS time, count() AS n FROM v_facts
  WHERE at >= {from:DateTime} AND at < {to:DateTime} GROUP BY source, time) AS f ON f.source = s.source AND f.time = b.time
WHERE b.time >= s.first
ORDER BY time, lane
