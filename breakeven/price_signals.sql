-- The latest signals about prices: age of the book, and how many prices in use were disputed when last looked at.
SELECT argMaxIf(value, at, rule = 'price_book_age_days') AS age_days,
  if(countIf(rule = 'price_disputed') = 0, NULL, sumIf(value, rule = 'price_disputed' AND at = last)) AS disputed
FROM (SELECT rule, at, value, max(at) OVER (PARTITION BY rule) AS last FROM signals FINAL WHERE rule IN ('price_book_age_days', 'price_disputed'))
