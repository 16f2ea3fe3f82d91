-- A budget will not last: the latest value of each series in the window.
SELECT labels['budget'] AS budget, argMax(value, (at, ver)) AS value, argMax(figures['spent'], (at, ver)) AS spent, argMax(figures['limit'], (at, ver)) AS limit, argMax(figures['forecast'], (at, ver)) AS forecast
FROM signals
WHERE rule = 'budget_forecast' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY budget ORDER BY budget
