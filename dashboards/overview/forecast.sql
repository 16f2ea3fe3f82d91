-- The budget that is furthest on its way: its forecast over its limit, in its own window, none in the first tenth of it.
SELECT {to:DateTime} AS time, maxOrNull(nullIf(latest, 0)) AS value
FROM (
  SELECT series, argMax(value, (at, ver)) AS latest FROM signals
  WHERE rule = 'budget_forecast' AND at <= {to:DateTime} AND at > {to:DateTime} - toIntervalDay(2) AND {from:DateTime} < {to:DateTime}
  GROUP BY series)
