-- The latest signals about prices: age of the book, and how many prices in use were disputed when last looked at.
SELECT argMaxIf(value, at, name = 'price_book_age_days') AS age_days,
  if(countIf(name = 'price_disputed') = 0, NULL, sumIf(value, name = 'price_disputed' AND at = last)) AS disputed
FROM (SELECT *, max(at) OVER (PARTITION BY name) AS last FROM signals FINAL WHERE name IN ('price_book_age_days', 'price_disputed'))
