-- Months of each provider account: metered, billed, and what the difference is.
SELECT toStartOfMonth(day) AS month, provider, account, sum(metered) AS metered, sum(billed) AS billed, sum(residual) AS residual,
  toFloat64(residual) / nullIf(toFloat64(billed), 0) AS share, sum(missing_usage) AS missing_usage, sum(price) AS price, sum(discount) AS discount,
  sum(boundary) AS boundary, sum(tax) AS tax, sum(credit) AS credit, sum(fee) AS fee, sum(unknown) AS unknown
FROM v_reconciliation
WHERE toDateTime(day, 'UTC') >= {from:DateTime} AND toDateTime(day, 'UTC') < {to:DateTime}
GROUP BY month, provider, account ORDER BY month DESC, provider, account LIMIT 200
