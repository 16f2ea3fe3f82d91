-- API money of each day and model, ninety days: from days and hours.
SELECT toDate(hour, 'UTC') AS date, model, sum(usd) AS usd FROM cost_periods
WHERE hour >= {from:DateTime('UTC')} - INTERVAL 60 DAY AND hour < {to:DateTime('UTC')} AND side = 'api' AND vintage = 'booked'
  AND (whole AND day >= {from:DateTime('UTC')} - INTERVAL 60 DAY AND next_day <= {to:DateTime('UTC')}
    OR NOT whole AND (day < {from:DateTime('UTC')} - INTERVAL 60 DAY OR next_day > {to:DateTime('UTC')}))
GROUP BY date, model ORDER BY date, model
