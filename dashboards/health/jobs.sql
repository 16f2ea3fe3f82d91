-- Jobs that ran by themselves in the range: how often, how long, how the last one ended. Runs that did nothing are not written down.
SELECT j.job AS job, count() AS runs, countIf(j.outcome != 'ok') AS failed, toDateTime(max(j.started_at), 'UTC') AS last,
  argMax(dateDiff('millisecond', j.started_at, j.ended_at), j.started_at) / 1000 AS took, max(dateDiff('millisecond', j.started_at, j.ended_at)) / 1000 AS longest,
  argMax(j.outcome, j.started_at) AS outcome, argMax(j.note, j.started_at) AS note
FROM job_runs AS j FINAL
WHERE j.started_at >= {from:DateTime} AND j.started_at < {to:DateTime}
GROUP BY job ORDER BY failed DESC, job LIMIT 200
