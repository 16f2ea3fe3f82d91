-- Days after an accepted move: what it saved, held against the forecast that was accepted, USD a day.
SELECT toDateTime(at, 'UTC') AS time, if(rule = 'realised_saving', 'Measured', 'Forecast') AS series, value
FROM signals FINAL
WHERE rule IN ('realised_saving', 'forecast_saving') AND labels['workload'] = {workload:String}
  AND at >= {from:DateTime} AND at < {to:DateTime}
ORDER BY time, series
