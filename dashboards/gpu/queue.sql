-- Requests that ran and waited at model servers, mean of the looks in a bucket times the servers.
SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})) AS time,
  avg(running) * uniqExact(replica) AS running, avg(waiting) * uniqExact(replica) AS waiting
FROM v_engine_samples
WHERE up = 1 AND toStartOfHour(at) >= toStartOfHour({from:DateTime}, 'UTC') AND at >= {from:DateTime} AND at < {to:DateTime}
  AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)}) AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
GROUP BY time ORDER BY time
