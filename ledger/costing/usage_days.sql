-- What each day of a provider that reports its usage is to be counted from, where that is not what was decided before.
SELECT b.day AS day, b.provider AS provider,
  if(b.provider IN {reports:Array(String)} OR (b.day, b.provider) NOT IN (
    SELECT DISTINCT toDate(at, 'UTC'), provider FROM requests
    WHERE side = 'api' AND at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} AND toDate(at, 'UTC') IN {days:Array(Date)}), 'reports', 'requests') AS counted, d.counted AS before
FROM (
  SELECT DISTINCT toDate(start, 'UTC') AS day, provider FROM usage_buckets FINAL WHERE view != 'token metrics' AND toDate(start, 'UTC') IN {days:Array(Date)}) AS b
LEFT JOIN (SELECT day, provider, counted FROM usage_days FINAL) AS d ON d.day = b.day AND d.provider = b.provider
WHERE d.counted != counted
ORDER BY day, provider
