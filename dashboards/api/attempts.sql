-- Attempts by bucket and how they ended, buckets of an hour and more read the hourly counts, shorter ones the requests.
SELECT time, multiIf(status < 400, 'ok', status = 429, '429, refused', status = 408, 'timed out', status >= 500, '5xx, provider failed', 'other errors') AS series,
  toFloat64(sum(n)) AS value
FROM (
  SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, status, attempts AS n
  FROM v_status_hourly
  WHERE {bucket:UInt32} >= 3600 AND side = 'api' AND hour >= {from:DateTime} AND hour < {to:DateTime}
    AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}) AND (empty({provider:Array(String)}) OR provider IN {provider:Array(String)}) AND (empty({model:Array(String)}) OR model IN {model:Array(String)})
  UNION ALL
  SELECT toStartOfInterval(toDateTime(at, 'UTC'), toIntervalSecond({bucket:UInt32})), status, toUInt64(1)
  FROM v_requests
  WHERE {bucket:UInt32} < 3600 AND side = 'api' AND at >= {from:DateTime} AND at < {to:DateTime}
    AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}) AND (empty({provider:Array(String)}) OR provider IN {provider:Array(String)}) AND (empty({model:Array(String)}) OR model IN {model:Array(String)}))
GROUP BY time, series ORDER BY time, series
