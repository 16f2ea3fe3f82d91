-- The latest state of every instance of some rules.
SELECT rule, series, argMax((changed_at, labels, state, reason), (changed_at, ver)) AS a, argMax((starts_at, ends_at, fired_at, last_seen), (changed_at, ver)) AS b,
  argMax((value, figures, summary, rule_hash), (changed_at, ver)) AS c, argMax((told_at, told_value, acknowledged_by), (changed_at, ver)) AS d
FROM alerts
WHERE rule IN {rules:Array(String)}
GROUP BY rule, series HAVING a.3 != 'forgotten'
ORDER BY rule, series
