-- Attempts and failures of each model, thirty days: from days and hours.
SELECT model, sum(attempts) AS n, sum(failed) AS failures FROM usage_periods
WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')}
  AND (whole AND day >= {from:DateTime('UTC')} AND next_day <= {to:DateTime('UTC')} OR NOT whole AND (day < {from:DateTime('UTC')} OR next_day > {to:DateTime('UTC')}))
  GROUP BY model ORDER BY model
