-- Attempts and failures of each model, thirty days: from requests.
SELECT model, count() AS n, countIf(status >= 400) AS failures FROM requests FINAL
WHERE at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} GROUP BY model ORDER BY model
