-- The latest advice of every workload: its daily state, or what a person said after it.
SELECT day, workload, event, state, candidate, regret, memory, transitions, facts
FROM v_advice ORDER BY day DESC, event DESC LIMIT 1 BY workload
