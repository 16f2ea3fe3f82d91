-- API money of each team and model, thirty days: from days and hours.
SELECT team, model, sum(usd) AS usd FROM cost_periods
WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')}
  AND (whole AND day >= {from:DateTime('UTC')} AND next_day <= {to:DateTime('UTC')} OR NOT whole AND (day < {from:DateTime('UTC')} OR next_day > {to:DateTime('UTC')}))
  AND side = 'api' AND vintage = 'booked' GROUP BY team, model ORDER BY team, model
