-- Days that were held against bills before, to take back those that no longer are.
SELECT day, provider FROM v_reconciliation WHERE day >= toDate({from:DateTime('UTC')}, 'UTC') AND day < toDate({to:DateTime('UTC')}, 'UTC')
