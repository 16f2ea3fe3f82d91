-- Nineteenth of twenty of the latency of each model, thirty days: from requests.
SELECT model, quantileExact(0.95)(assumeNotNull(latency_ms)) AS p95 FROM requests FINAL
WHERE status < 400 AND isNotNull(latency_ms) AND at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} GROUP BY model ORDER BY model
