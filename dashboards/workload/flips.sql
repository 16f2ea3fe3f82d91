-- What would change the verdict, where it stands and where it would turn, the nearest first.
SELECT JSONExtractString(one, 'what') AS what, JSONExtract(one, 'now', 'Nullable(Float64)') AS now, JSONExtract(one, 'value', 'Nullable(Float64)') AS value,
  JSONExtractString(one, 'unit') AS unit, value / nullIf(now, 0) - 1 AS distance
FROM (
  SELECT arrayJoin(JSONExtractArrayRaw(argMax(details, at), 'flips')) AS one FROM v_verdicts
  WHERE workload = {workload:String} AND at < {to:DateTime} + toIntervalHour(1) AND {from:DateTime} < {to:DateTime})
ORDER BY abs(distance) LIMIT 200
