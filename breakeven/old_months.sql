-- Months of a table that end before an instant.
SELECT DISTINCT partition AS month FROM system.parts
WHERE active AND database = currentDatabase() AND table = {table:String}
  AND toUInt32OrZero(partition) < toYYYYMM({before:DateTime('UTC')})
ORDER BY month
