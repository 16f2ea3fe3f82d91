-- What people said to the advice on a workload, the oldest first.
SELECT day, event, facts FROM v_advice WHERE workload = {workload:String} AND event != '' ORDER BY day, event
