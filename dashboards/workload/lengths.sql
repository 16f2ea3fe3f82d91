-- How long prompts and answers are: share of the attempts by length in tokens, each step twice as long as the one before.
-- From the counts by hour: whole hours.
SELECT pow(2, step) AS tokens, sum(prompt) / nullIf(sum(sum(prompt)) OVER (), 0) AS prompt, sum(answer) / nullIf(sum(sum(answer)) OVER (), 0) AS answer
FROM (
  SELECT pair.1.1 AS step, if(pair.2 = 'prompt', pair.1.2, 0) AS prompt, if(pair.2 = 'answer', pair.1.2, 0) AS answer
  FROM (
    SELECT sumMap(prompts) AS prompts, sumMap(answers) AS answers FROM v_lengths_hourly
    WHERE workload = {workload:String} AND hour >= toStartOfHour({from:DateTime}, 'UTC') AND hour < {to:DateTime})
  ARRAY JOIN arrayConcat(
    arrayZip(CAST(prompts, 'Array(Tuple(UInt8, UInt64))'), arrayResize(['prompt'], length(prompts), 'prompt')),
    arrayZip(CAST(answers, 'Array(Tuple(UInt8, UInt64))'), arrayResize(['answer'], length(answers), 'answer'))) AS pair)
GROUP BY step ORDER BY tokens
