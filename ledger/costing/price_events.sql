-- What changed in price between two instants, of models and pools in use: price of a token or of a GPU-hour, from when, before and after.
SELECT at, what, before, after, unit FROM (
  SELECT toDateTime(n.valid_from, 'UTC') AS at, concat(n.provider, ' ', n.model, ', ', part.1) AS what, part.2 AS before, part.3 AS after,
    'USD per 1M tokens' AS unit
  FROM (
    SELECT r.provider AS provider, r.model AS model, r.valid_from AS valid_from,
      dictGet('price_of', ('input_fresh', 'cache_read', 'output'), toUInt64(r.id0)) AS now_,
      dictGet('price_of', ('input_fresh', 'cache_read', 'output'),
        toUInt64(dictGet('price_at', 'id0', r.key, r.valid_from - toIntervalSecond(1)))) AS then_
    FROM (
      SELECT provider, model, valid_from, id0, cityHash64(toString(provider), model, toString(variant), toString(region)) AS key
      FROM price_ranges FINAL
      WHERE vintage = 'booked' AND variant = 'standard' AND dateDiff('hour', valid_from, valid_to) > 25
        AND valid_from > {from:DateTime('UTC')} AND valid_from < {to:DateTime('UTC')}) AS r) AS n
  ARRAY JOIN [('input', n.then_.1 * 1000000, n.now_.1 * 1000000), ('cached input', n.then_.2 * 1000000, n.now_.2 * 1000000),
    ('output', n.then_.3 * 1000000, n.now_.3 * 1000000)] AS part
  WHERE part.2 != part.3 AND (n.provider, n.model) IN (
    SELECT provider, model FROM v_usage_hourly WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')})
  UNION ALL
  SELECT toDateTime(valid_from, 'UTC'), concat('pool ', pool), lagInFrame(toNullable(usd_per_gpu_hour)) OVER w, usd_per_gpu_hour, 'USD per GPU-hour'
  FROM gpu_rates FINAL
  WINDOW w AS (PARTITION BY pool ORDER BY valid_from, recorded_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))
WHERE before != after AND at > {from:DateTime('UTC')} AND at < {to:DateTime('UTC')}
ORDER BY at, what
LIMIT 500
