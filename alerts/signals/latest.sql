-- The latest value of every series of some rules up to an instant, where it is above zero: episodes that are on.
SELECT rule, series, argMax(labels, (at, ver)) AS labels, argMax(value, (at, ver)) AS value, argMax(figures, (at, ver)) AS figures
FROM signals
WHERE rule IN {rules:Array(String)} AND at <= {to:DateTime('UTC')} AND at > {to:DateTime('UTC')} - toIntervalDay(40)
GROUP BY rule, series HAVING value > 0
ORDER BY rule, series
