-- A job fails again and again: the latest value of each series in the window.
SELECT labels['job'] AS job, argMax(value, (at, ver)) AS value, argMax(figures['failures'], (at, ver)) AS failures
FROM signals
WHERE rule = 'job_failing' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY job ORDER BY job
