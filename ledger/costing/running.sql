-- Work of our own deployments by hour and owner, each piece spread evenly over the minutes it ran: of request records, or of
-- the servers' counters in the hours named in engine_hours.
-- names/models and the four coefficients describe the declared deployments, in one order.
SELECT toStartOfHour(minute) AS hour, deployment, workload, team, environment, sum(work) AS work FROM (
  WITH
    if(w.deployment = '', transform(w.model, {models:Array(String)}, {names:Array(String)}, ''), w.deployment) AS dep,
    indexOf({names:Array(String)}, dep) AS i
  SELECT arrayJoin(arrayMap(k -> w.from_minute + toIntervalMinute(k), range(toUInt32(w.minutes)))) AS minute,
    dep AS deployment, w.workload AS workload, w.team AS team, w.environment AS environment,
    ({uncached:Array(Float64)}[i] * w.uncached + {cached:Array(Float64)}[i] * w.cached + {output:Array(Float64)}[i] * w.output
      + {kv:Array(Float64)}[i] * w.kv) / w.minutes AS work
  FROM own_work AS w
  WHERE w.began_hour IN {around:Array(DateTime('UTC'))}
    AND (w.by_engine = 0 OR (toUInt32(toUnixTimestamp(w.began_hour)), dep) IN {engine_hours:Array(Tuple(UInt32, String))}))
WHERE hour IN {hours:Array(DateTime('UTC'))}
GROUP BY hour, deployment, workload, team, environment
