-- The latest run of each job.
SELECT job, argMax(outcome, ver) AS outcome, argMax(note, ver) AS note FROM job_runs GROUP BY job ORDER BY job
