-- Seconds of GPU time about which nothing is known in one hour.
SELECT sum(seconds) AS unknown_s FROM v_gpu_hourly WHERE hour = {hour:DateTime('UTC')} AND state = 'unknown'
