-- Share of the bills that metering does not explain, in the period before and in the range.
SELECT pair.1 AS time, pair.2 AS value FROM (
  SELECT
    toFloat64(sumIf(residual, toDateTime(day, 'UTC') < {from:DateTime})) / nullIf(toFloat64(sumIf(billed, toDateTime(day, 'UTC') < {from:DateTime})), 0) AS before,
    toFloat64(sumIf(residual, toDateTime(day, 'UTC') >= {from:DateTime})) / nullIf(toFloat64(sumIf(billed, toDateTime(day, 'UTC') >= {from:DateTime})), 0) AS within
  FROM v_reconciliation
  WHERE toDateTime(day, 'UTC') >= {from:DateTime} - ({to:DateTime} - {from:DateTime}) AND toDateTime(day, 'UTC') < {to:DateTime})
ARRAY JOIN [({from:DateTime}, before), ({to:DateTime}, within)] AS pair
ORDER BY time
