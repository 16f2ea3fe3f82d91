-- What a GPU-hour of each pool cost in a period.
SELECT pool, sum(usd) AS usd, sum(seconds) AS seconds FROM v_gpu_hourly
WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')} GROUP BY pool ORDER BY pool
