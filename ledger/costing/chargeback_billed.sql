-- What providers billed for models in a span by the charge day, at its exchange rate, and what was metered for them; days that have bills.
SELECT provider, sum(metered) AS metered, sum(billed) AS billed, min(is_final) AS is_final, count() AS days
FROM v_reconciliation WHERE day >= toDate({from:DateTime('UTC')}, 'UTC') AND day < toDate({to:DateTime('UTC')}, 'UTC')
GROUP BY provider ORDER BY provider
