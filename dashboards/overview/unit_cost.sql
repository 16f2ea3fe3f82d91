-- Effective cost per 1,000 successful requests of both sides by bucket (none where a provider does not tell its requests), and the break-even of the latest verdicts. The bucket that still runs is left out where others are shown: a few hours tell no day's cost.
SELECT time, series, value FROM (
  SELECT m.time AS time, if(m.side = 'api', 'API', 'Own GPUs') AS series, toFloat64(m.usd) * 1000 / nullIf(if(u.uncounted = 0, u.successful, 0), 0) AS value
  FROM (
    SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, side, sum(usd) AS usd FROM cost_periods
    WHERE hour >= {from:DateTime} AND hour < {to:DateTime}
      AND ({bucket:UInt32} % 86400 = 0 AND whole AND day >= {from:DateTime} AND next_day <= {to:DateTime}
        OR NOT whole AND ({bucket:UInt32} % 86400 != 0 OR day < {from:DateTime} OR next_day > {to:DateTime})) AND vintage = 'booked'
      AND (empty({team:Array(String)}) OR team IN {team:Array(String)} OR side = 'self_hosted') AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)} OR side = 'self_hosted') AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)} OR side = 'self_hosted')
    GROUP BY time, side) AS m
  LEFT JOIN (
    SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, side, sum(successful_requests) AS successful, sum(uncounted_tokens) AS uncounted FROM usage_periods
    WHERE hour >= {from:DateTime} AND hour < {to:DateTime}
      AND ({bucket:UInt32} % 86400 = 0 AND whole AND day >= {from:DateTime} AND next_day <= {to:DateTime}
        OR NOT whole AND ({bucket:UInt32} % 86400 != 0 OR day < {from:DateTime} OR next_day > {to:DateTime}))
      AND (empty({team:Array(String)}) OR team IN {team:Array(String)}) AND (empty({environment:Array(String)}) OR environment IN {environment:Array(String)}) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)})
    GROUP BY time, side) AS u ON m.time = u.time AND m.side = u.side
  WHERE m.time + toIntervalSecond({bucket:UInt32}) <= {to:DateTime} OR dateDiff('second', {from:DateTime}, {to:DateTime}) < 3 * {bucket:UInt32}
  UNION ALL
  SELECT b.time AS time, 'Break-even' AS series, e.value AS value
  FROM (
    SELECT toStartOfInterval(toDateTime(arrayJoin(range(toUInt32({from:DateTime}), toUInt32({to:DateTime}), {bucket:UInt32})), 'UTC'), toIntervalSecond({bucket:UInt32})) AS time) AS b
  CROSS JOIN (
    SELECT sum(toFloat64(candidate)) * 1000 / nullIf(sum(requests), 0) AS value FROM (
      SELECT workload, argMax(candidate_usd_month, at) AS candidate, argMax(requests_month, at) AS requests FROM v_verdicts
      WHERE at < {to:DateTime} + toIntervalHour(1) AND (empty({workload:Array(String)}) OR workload IN {workload:Array(String)}) AND (empty({team:Array(String)}) OR workload IN (SELECT name FROM workloads GROUP BY name HAVING argMax(team, recorded_at) IN {team:Array(String)}))
      GROUP BY workload) WHERE isNotNull(candidate)) AS e
  WHERE isNotNull(e.value))
ORDER BY time, series
