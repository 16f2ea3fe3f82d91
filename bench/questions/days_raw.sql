-- Money of each day and model, ninety days: from requests.
SELECT toDate(at, 'UTC') AS day, model, sum(cost) AS usd FROM requests FINAL
WHERE at >= {from:DateTime('UTC')} - INTERVAL 60 DAY AND at < {to:DateTime('UTC')} GROUP BY day, model ORDER BY day, model
