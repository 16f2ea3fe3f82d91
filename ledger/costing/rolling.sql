-- Effective cost of both sides over the windows that end at the last closed hour.
SELECT w.window_h AS window_h, w.side AS side, any(m.allocation) AS allocation, any(m.usage) AS usage, any(m.own_known) AS own_known,
  any(u.requests) AS requests, any(u.successful_requests) AS successful_requests, any(u.tokens) AS tokens,
  any(u.unpriced_tokens) AS unpriced_tokens, any(u.no_usage) AS no_usage, any(u.uncounted_tokens) AS uncounted_tokens
FROM (SELECT arrayJoin({windows:Array(UInt32)}) AS window_h, arrayJoin(['api', 'self_hosted']) AS side) AS w
LEFT JOIN (
  SELECT window_h, c.side AS side, sum(c.usd) AS allocation, sumIf(c.usd, c.basis = 'usage') AS usage,
    sumIf(c.usd, c.component NOT IN ('gpu_unknown', 'gpu_held_unknown')) AS own_known
  FROM v_cost_hourly AS c ARRAY JOIN {windows:Array(UInt32)} AS window_h
  WHERE c.hour >= {as_of:DateTime('UTC')} - toIntervalHour(window_h) AND c.hour < {as_of:DateTime('UTC')} AND c.vintage = 'booked'
  GROUP BY window_h, side) AS m ON m.window_h = w.window_h AND m.side = w.side
LEFT JOIN (
  SELECT window_h, h.side AS side, sum(h.requests) AS requests, sum(h.successful_requests) AS successful_requests,
    sum(h.total_input + h.output) AS tokens, sum(h.unpriced_tokens) AS unpriced_tokens, sum(h.no_usage) AS no_usage, sum(h.uncounted_tokens) AS uncounted_tokens
  FROM v_usage_hourly AS h ARRAY JOIN {windows:Array(UInt32)} AS window_h
  WHERE h.hour >= {as_of:DateTime('UTC')} - toIntervalHour(window_h) AND h.hour < {as_of:DateTime('UTC')}
  GROUP BY window_h, side) AS u ON u.window_h = w.window_h AND u.side = w.side
GROUP BY window_h, side ORDER BY window_h, side
