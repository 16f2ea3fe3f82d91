-- Money of each team and model, thirty days: from requests.
SELECT team, model, sum(cost) AS usd FROM requests FINAL
WHERE at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} GROUP BY team, model ORDER BY team, model
