-- What the GPUs of each host did by UTC day: seconds and money by state, and the money of the part that worked.
SELECT day, h.pool AS pool, h.deployment AS deployment, if(h.node = '', h.gpu, h.node) AS host, h.state AS state, sum(h.seconds) AS seconds,
  sum(h.usd) AS usd, sum(if(h.seconds > 0, toFloat64(h.usd) * least(1, h.used_s / h.seconds), 0)) AS used_usd
FROM (SELECT *, toStartOfDay(hour, 'UTC') AS day FROM v_gpu_hourly WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')}) AS h
GROUP BY day, pool, deployment, host, state
ORDER BY day, pool, deployment, host, state
