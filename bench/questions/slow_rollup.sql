-- Nineteenth of twenty of the latency of each model, thirty days: from counts by day and hour, within 4.9 %.
SELECT model, quantileExactWeighted(0.95)(pow(1.1, bucket.1 + 0.5) - 1, bucket.2) AS p95
FROM (
  SELECT model, sumMap(latency_log) AS counts FROM latency_periods
  WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')}
    AND (whole AND day >= {from:DateTime('UTC')} AND next_day <= {to:DateTime('UTC')} OR NOT whole AND (day < {from:DateTime('UTC')} OR next_day > {to:DateTime('UTC')}))
  GROUP BY model)
ARRAY JOIN CAST(counts, 'Array(Tuple(UInt8, UInt64))') AS bucket
GROUP BY model ORDER BY model
