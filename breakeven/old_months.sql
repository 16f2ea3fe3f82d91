-- Months of a table that end before an instant.
SELECT DISTINCT _partition_id AS month FROM {table:Identifier}
WHERE toUInt32OrZero(_partition_id) < toYYYYMM({before:DateTime('UTC')})
ORDER BY month
