-- Today costs far more than usual: the latest value of each series in the window.
SELECT labels['scope'] AS scope, argMax(value, (at, ver)) AS value, argMax(figures['spent'], (at, ver)) AS spent, argMax(figures['expected'], (at, ver)) AS expected
FROM signals
WHERE rule = 'spend_spike' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY scope ORDER BY scope
