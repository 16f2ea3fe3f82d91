-- Rebuild whole days of cost_daily from their hours.
INSERT INTO cost_daily
SELECT toStartOfDay(hour) AS day, side, provider, model, deployment, pool, workload, team, environment, component, basis, vintage,
  sum(usd), {ver:UInt64}
FROM cost_hourly FINAL
WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')} AND toStartOfDay(hour) IN {days:Array(DateTime('UTC'))}
GROUP BY day, side, provider, model, deployment, pool, workload, team, environment, component, basis, vintage
