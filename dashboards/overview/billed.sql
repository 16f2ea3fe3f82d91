-- What providers bill for models, in the period before and in the range, by whole UTC days.
SELECT pair.1 AS time, pair.2 AS value FROM (
  SELECT sumOrNullIf(billed, day < toDate({from:DateTime}, 'UTC')) AS before, sumOrNullIf(billed, day >= toDate({from:DateTime}, 'UTC')) AS within
  FROM v_reconciliation
  WHERE day >= toDate({from:DateTime} - ({to:DateTime} - {from:DateTime}), 'UTC') AND day <= toDate({to:DateTime}, 'UTC'))
ARRAY JOIN [({from:DateTime}, before), ({to:DateTime}, within)] AS pair
ORDER BY time
