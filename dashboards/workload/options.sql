-- Every option of a workload on its last 28 complete days at current prices: what it costs, what it saves, what bars it.
SELECT JSONExtractString(one, 'option') AS option, JSONExtractString(one, 'label') AS way, nullIf(JSONExtract(one, 'replicas', 'UInt32'), 0) AS replicas,
  JSONExtract(one, 'usd_month', 'Nullable(Float64)') AS usd_month, JSONExtract(one, 'usd_low_month', 'Nullable(Float64)') AS usd_low_month,
  JSONExtract(one, 'usd_per_1k', 'Nullable(Float64)') AS usd_per_1k, JSONExtract(one, 'saving_usd_month', 'Nullable(Float64)') AS saving,
  JSONExtractString(one, 'grade') AS grade, JSONExtractString(one, 'barred_by') AS barred_by,
  arrayStringConcat(JSONExtract(one, 'notes', 'Array(String)'), ', ') AS notes
FROM (
  SELECT arrayJoin(JSONExtractArrayRaw(argMax(details, at), 'options')) AS one FROM v_verdicts
  WHERE workload = {workload:String} AND at < {to:DateTime} + toIntervalHour(1) AND {from:DateTime} < {to:DateTime})
ORDER BY isNull(usd_month), usd_month, option, way LIMIT 200
