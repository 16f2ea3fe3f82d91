-- The last month of each account whose bill is final: metered against billed.
SELECT provider, account, month, billed, metered, residual FROM (
  SELECT provider, account, formatDateTime(day, '%Y-%m') AS month, sum(r.billed) AS billed, sum(r.metered) AS metered, sum(r.residual) AS residual, min(is_final) AS done
  FROM v_reconciliation AS r WHERE day < toDate(toStartOfMonth({to:DateTime('UTC')})) AND day >= toDate(toStartOfMonth({to:DateTime('UTC')})) - toIntervalMonth(2)
  GROUP BY provider, account, month)
WHERE done = 1 AND billed > 0
ORDER BY month DESC, provider, account LIMIT 1 BY provider, account
