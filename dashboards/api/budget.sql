-- Every budget's running window as it was told: spent, forecast and limit at the end of each bucket.
SELECT time, concat(budget, ', ', pair.1) AS series, pair.2 AS value
FROM (
  SELECT toStartOfInterval(at, toIntervalSecond({bucket:UInt32})) AS time, labels['budget'] AS budget, argMax(figures['spent'], (at, ver)) AS spent,
    argMax(figures['forecast'], (at, ver)) AS forecast, argMax(figures['limit'], (at, ver)) AS planned
  FROM signals
  WHERE rule = 'budget_forecast' AND at >= {from:DateTime} AND at < {to:DateTime}
  GROUP BY time, budget)
ARRAY JOIN [('spent', toNullable(spent)), ('forecast', if(isNaN(forecast), NULL, toNullable(forecast))), ('limit', toNullable(planned))] AS pair
ORDER BY time, series
