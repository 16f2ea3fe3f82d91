-- What was advised and what people answered, the latest first.
SELECT day, JSONExtractString(told, 'before') AS before, JSONExtractString(told, 'after') AS after, event, JSONExtractString(told, 'reason') AS reason, candidate
FROM v_advice
ARRAY JOIN JSONExtractArrayRaw(transitions) AS told
WHERE workload = {workload:String} AND toDateTime(day, 'UTC') >= {from:DateTime} AND toDateTime(day, 'UTC') < {to:DateTime}
ORDER BY day DESC, event, before LIMIT 200
