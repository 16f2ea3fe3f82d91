-- How often each job failed since it last went well.
SELECT j.job AS job, countIf(j.outcome != 'ok' AND j.started_at > l.good) AS failures FROM job_runs AS j FINAL
INNER JOIN (SELECT job, maxOrDefaultIf(started_at, outcome = 'ok') AS good FROM job_runs GROUP BY job) AS l ON l.job = j.job
WHERE j.started_at <= {to:DateTime('UTC')} AND j.started_at > {to:DateTime('UTC')} - toIntervalDay(7)
GROUP BY job ORDER BY job
