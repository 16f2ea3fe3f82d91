-- How long prompts and answers are: share of the attempts by length in tokens, each step twice as long as the one before.
SELECT pow(2, step) AS tokens, sum(prompt) / nullIf(sum(sum(prompt)) OVER (), 0) AS prompt, sum(answer) / nullIf(sum(sum(answer)) OVER (), 0) AS answer
FROM (
  SELECT toInt32(ceil(log2(greatest(total_input, 1)))) AS step, count() AS prompt, 0 AS answer FROM v_requests
  WHERE workload = {workload:String} AND at >= {from:DateTime} AND at < {to:DateTime} AND total_input > 0 GROUP BY step
  UNION ALL
  SELECT toInt32(ceil(log2(greatest(output, 1)))) AS step, 0 AS prompt, count() AS answer FROM v_requests
  WHERE workload = {workload:String} AND at >= {from:DateTime} AND at < {to:DateTime} AND output > 0 GROUP BY step)
GROUP BY step ORDER BY tokens
