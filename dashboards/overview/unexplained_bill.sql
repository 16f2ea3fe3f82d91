-- Share of the bills that metering does not explain, in the period before and in the range.
SELECT pair.1 AS time, pair.2 AS value FROM (
  SELECT
    toFloat64(sumIf(residual, day < toDate({from:DateTime}, 'UTC'))) / nullIf(toFloat64(sumIf(billed, day < toDate({from:DateTime}, 'UTC'))), 0) AS before,
    toFloat64(sumIf(residual, day >= toDate({from:DateTime}, 'UTC'))) / nullIf(toFloat64(sumIf(billed, day >= toDate({from:DateTime}, 'UTC'))), 0) AS within
  FROM v_reconciliation
  WHERE day >= toDate({from:DateTime} - ({to:DateTime} - {from:DateTime}), 'UTC') AND day <= toDate({to:DateTime}, 'UTC'))
ARRAY JOIN [({from:DateTime}, before), ({to:DateTime}, within)] AS pair
ORDER BY time
