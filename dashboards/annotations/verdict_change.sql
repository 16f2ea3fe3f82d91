-- Changes of the advice, at the end of the complete day that brought them.
SELECT toDateTime(day + 1, 'UTC') AS time, concat(workload, ': ', JSONExtractString(told, 'before'), ' → ', JSONExtractString(told, 'after'), ', ', JSONExtractString(told, 'reason')) AS text
FROM v_advice
ARRAY JOIN JSONExtractArrayRaw(transitions) AS told
WHERE toDateTime(day + 1, 'UTC') >= {from:DateTime} AND toDateTime(day + 1, 'UTC') < {to:DateTime}
  AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)})
ORDER BY time, text LIMIT 200
