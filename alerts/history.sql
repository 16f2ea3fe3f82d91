-- Episodes of alerts that were told outside, the latest first.
SELECT rule, series, fired_at AS since, maxOrNullIf(changed_at, state IN ('normal', 'forgotten')) AS until, argMax(summary, changed_at) AS summary,
  max(told_at) AS told
FROM (
  SELECT rule, series, changed_at, state, summary, told_at,
    if(isNotNull(fired_at), fired_at, lagInFrame(fired_at) OVER (PARTITION BY rule, series ORDER BY changed_at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)) AS fired_at
  FROM alerts FINAL)
WHERE isNotNull(fired_at) AND fired_at >= {from:DateTime64(3, 'UTC')} AND ({rule:String} = '' OR rule = {rule:String})
GROUP BY rule, series, since
ORDER BY since DESC, rule, series LIMIT 1000
