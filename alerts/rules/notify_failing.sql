-- Alerts do not reach a channel: the latest value of each series in the window.
SELECT labels['channel'] AS channel, argMax(value, (at, ver)) AS value, argMax(figures['given_up'], (at, ver)) AS given_up
FROM signals
WHERE rule = 'notify_failing' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY channel ORDER BY channel
