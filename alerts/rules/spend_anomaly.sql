-- A day cost far more than usual: the latest value of each series in the window.
SELECT labels['scope'] AS scope, argMax(value, (at, ver)) AS value, argMax(figures['actual'], (at, ver)) AS actual, argMax(figures['expected'], (at, ver)) AS expected, argMax(figures['z'], (at, ver)) AS z
FROM signals
WHERE rule = 'spend_anomaly' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY scope ORDER BY scope
