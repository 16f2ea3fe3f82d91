-- What people said to the advice on a workload, or on all where none is named, the oldest first.
SELECT workload, day, event, facts FROM v_advice
WHERE ({workload:String} = '' OR workload = {workload:String}) AND event != '' ORDER BY workload, day, event
