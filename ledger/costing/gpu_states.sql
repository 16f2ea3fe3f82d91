-- What each GPU did in whole hours: seconds by state, and how many of them measured work fills.
-- Device samples give presence, memory and power; load comes from the requests of the GPU's deployment, or the
-- counters of its servers, spread over the minutes each ran. Device utilisation alone never says that a GPU is busy or idle: it reads 100 % on idle servers.
-- A unit is a GPU or a MIG instance. keys, owners and weights say which deployments a unit, or the pods on it, work for.
WITH
  deployments_at AS (
    WITH
      if(w.deployment = '', transform(w.model, {models:Array(String)}, {names:Array(String)}, ''), w.deployment) AS dep,
      indexOf({names:Array(String)}, dep) AS i
    SELECT dep AS deployment, i,
      arrayJoin(arrayMap(k -> w.from_minute + toIntervalMinute(k), range(toUInt32(w.minutes)))) AS minute,
      sum(({uncached:Array(Float64)}[i] * w.uncached + {cached:Array(Float64)}[i] * w.cached + {output:Array(Float64)}[i] * w.output
        + {kv:Array(Float64)}[i] * w.kv) / w.minutes) AS work
    FROM own_work AS w
    WHERE w.began_hour IN {around:Array(DateTime('UTC'))} AND i > 0
      AND (w.by_engine = 0 OR (toUInt32(toUnixTimestamp(w.began_hour)), dep) IN {engine_hours:Array(Tuple(UInt32, String))})
    GROUP BY deployment, i, minute),
  devices AS (
    SELECT unit, max(gpu) AS gpu, max(slice) AS slice, minute, max(node) AS node, max(pool) AS pool, max(pods) AS pods, max(seen) AS seen, max(looked) AS looked, max(engaged) AS engaged, least(60, sum(seconds)) AS seconds,
      max(mem_mib) AS mem_mib, max(processes) AS processes, avg(power_w) AS power_w, avg(util) AS util, sum(energy_mj) AS energy_mj
    FROM (
      WITH
        s.at - toIntervalMillisecond(toUInt32(s.dt_s * 1000)) AS began, toStartOfMinute(toDateTime(began, 'UTC')) AS first_minute,
        arrayJoin(range(toUInt32(greatest(1, 1 + dateDiff('minute', first_minute, toDateTime(s.at - toIntervalMillisecond(1), 'UTC')))))) AS k
      SELECT if(s.slice != '', s.slice, s.gpu) AS unit, s.gpu AS gpu, s.slice AS slice, s.pods AS pods, first_minute + toIntervalMinute(k) AS minute, s.node AS node,
        if(s.pool != '', s.pool, transform(s.node, {nodes:Array(String)}, {node_pools:Array(String)}, '')) AS pool, s.dt_s > 0 AS seen, 0 AS looked, 0 AS engaged,
        greatest(0, least(toFloat64(s.at), toFloat64(toUnixTimestamp(minute) + 60)) - greatest(toFloat64(began), toFloat64(toUnixTimestamp(minute)))) AS seconds,
        s.mem_mib AS mem_mib, s.processes AS processes, s.power_w AS power_w, s.util AS util,
        if(s.dt_s > 0, s.energy_mj * seconds / s.dt_s, toFloat64(s.energy_mj)) AS energy_mj
      FROM gpu_samples AS s FINAL
      WHERE toStartOfHour(s.at) IN {after:Array(DateTime('UTC'))} AND (s.dt_s > 0 OR s.energy_mj > 0) -- after a gap only the energy is known
      UNION ALL -- requests ran on these GPUs, whether a device sample says so or not
      SELECT arrayJoin({gpus:Array(Array(String))}[d.i]) AS unit, '' AS gpu, '' AS slice, '' AS pods, d.minute AS minute, '' AS node,
        {pools:Array(String)}[d.i] AS pool, 0 AS seen, 0 AS looked, 0 AS engaged, 60 AS seconds, NULL AS mem_mib, NULL AS processes, NULL AS power_w, NULL AS util, NULL AS energy_mj
      FROM deployments_at AS d
      UNION ALL -- a server that answers for these GPUs is a witness too: its silence is not a gap
      SELECT arrayJoin({gpus:Array(Array(String))}[l.i]), '', '', '', l.first_minute + toIntervalMinute(l.k), '', {pools:Array(String)}[l.i], 1, 1, l.engaged,
        l.dt_s / l.minutes, NULL, NULL, NULL, NULL, NULL
      FROM (
        SELECT dt_s, ifNull(running, 0) > 0 AS engaged, toStartOfMinute(toDateTime(at - toIntervalMillisecond(toUInt32(dt_s * 1000)), 'UTC')) AS first_minute,
          toUInt32(1 + dateDiff('minute', first_minute, toDateTime(at - toIntervalMillisecond(1), 'UTC'))) AS minutes,
          arrayJoin(range(least(minutes, 120))) AS k,
          indexOf({names:Array(String)}, if(deployment = '', transform(model, {models:Array(String)}, {names:Array(String)}, ''), deployment)) AS i
        FROM engine_samples FINAL
        WHERE toStartOfHour(at) IN {after:Array(DateTime('UTC'))} AND up = 1 AND dt_s > 0) AS l
      WHERE l.i > 0)
    WHERE toStartOfHour(minute) IN {hours:Array(DateTime('UTC'))}
    GROUP BY unit, minute),
  placed AS (
    SELECT d.*, toStartOfHour(d.minute) AS hour,
      indexOf({keys:Array(String)}, concat(d.pool, '|p:', d.pods)) AS by_pods,
      if(by_pods > 0, by_pods, indexOf({keys:Array(String)}, concat(d.pool, '|', d.unit))) AS at,
      arrayJoin(if(at = 0, [(toUInt16(0), toFloat64(1))], arrayZip({owners:Array(Array(UInt16))}[at], {weights:Array(Array(Float64))}[at]))) AS own,
      own.2 AS weight, own.1 = 65535 AS left_over, if(left_over, 0, own.1) AS i,
      {names:Array(String)}[i] AS deployment,
      i > 0 AND hour >= {covered_from:Array(DateTime('UTC'))}[i] AND hour <= {covered_to:Array(DateTime('UTC'))}[i] AS covered
    FROM devices AS d)
SELECT hour, pool, deployment, max(node) AS node, max(gpu) AS gpu, unit, state, sum(part) AS seconds, sum(part * share) AS used_s, sum(energy_mj) / 3.6e6 AS energy_wh
FROM (
  SELECT p.hour AS hour, p.pool AS pool, p.deployment AS deployment, p.node AS node, p.gpu AS gpu, p.unit AS unit,
    p.energy_mj * p.weight AS energy_mj, toFloat64(p.seconds) * p.weight AS part,
    {replicas:Array(Float64)}[p.i] * 60 AS capacity, {known:Array(UInt8)}[p.i] AS known,
    ifNull(p.power_w <= {idle_power_w:Float64}, ifNull(p.util < {busy_util:Float64}, 0)) AS quiet,
    multiIf(
      p.left_over, 'unallocated',
      NOT running AND p.seen = 0, 'unknown',
      NOT running AND ifNull(p.processes, 0) = 0 AND p.mem_mib < {unallocated_mib:Float64}, 'unallocated',
      running AND known AND ifNull(a.work, 0) / capacity < {serving_low_below:Float64}, 'serving_low',
      running, 'serving',
      p.looked OR p.covered AND (quiet OR (isNull(p.power_w) AND isNull(p.util))), 'warm_idle',
      ifNull(p.power_w > {idle_power_w:Float64}, ifNull(p.util >= {busy_util:Float64}, 0)), 'busy_other',
      'held_unknown') AS state,
    a.deployment != '' OR p.engaged AS running,
    if(running AND known AND capacity > 0, least(1, a.work / capacity), 0) AS share
  FROM placed AS p LEFT JOIN deployments_at AS a ON p.deployment = a.deployment AND p.minute = a.minute)
GROUP BY hour, pool, deployment, unit, state
ORDER BY hour, pool, unit, deployment, state
