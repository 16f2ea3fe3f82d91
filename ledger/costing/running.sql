-- Work of self-hosted requests by hour and owner, each spread evenly over the minutes it ran.
-- names/models and the four coefficients describe the declared deployments, in one order.
SELECT toStartOfHour(minute) AS hour, deployment, workload, team, environment, sum(work) AS work FROM (
  WITH
    if(r.deployment = '', transform(r.model, {models:Array(String)}, {names:Array(String)}, ''), r.deployment) AS dep,
    indexOf({names:Array(String)}, dep) AS i,
    r.input_fresh + r.cache_write_short + r.cache_write_long + r.cache_write_other AS uncached,
    toStartOfMinute(toDateTime(r.at, 'UTC')) AS from_minute,
    least(120, 1 + dateDiff('minute', from_minute, toDateTime(r.at + toIntervalMillisecond(ifNull(r.latency_ms, 0)), 'UTC'))) AS minutes
  SELECT arrayJoin(arrayMap(k -> from_minute + toIntervalMinute(k), range(toUInt32(minutes)))) AS minute,
    dep AS deployment, r.workload AS workload, r.team AS team, r.environment AS environment,
    ({uncached:Array(Float64)}[i] * uncached + {cached:Array(Float64)}[i] * r.cache_read + {output:Array(Float64)}[i] * r.output
      + {kv:Array(Float64)}[i] * ((uncached + r.cache_read) * r.output + r.output * r.output / 2)) / minutes AS work
  FROM requests AS r FINAL
  WHERE r.side = 'self_hosted' AND r.duplicate_of = 0 AND toStartOfHour(r.at) IN {around:Array(DateTime('UTC'))}
    AND uncached + r.cache_read + r.output > 0)
WHERE hour IN {hours:Array(DateTime('UTC'))}
GROUP BY hour, deployment, workload, team, environment
