-- What providers bill for models, in the period before and in the range, by UTC days that begin in it.
SELECT pair.1 AS time, pair.2 AS value FROM (
  SELECT sumOrNullIf(billed, toDateTime(day, 'UTC') < {from:DateTime}) AS before, sumOrNullIf(billed, toDateTime(day, 'UTC') >= {from:DateTime}) AS within
  FROM v_reconciliation
  WHERE toDateTime(day, 'UTC') >= {from:DateTime} - ({to:DateTime} - {from:DateTime}) AND toDateTime(day, 'UTC') < {to:DateTime})
ARRAY JOIN [({from:DateTime}, before), ({to:DateTime}, within)] AS pair
ORDER BY time
