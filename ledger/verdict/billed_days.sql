-- The API traffic of workloads as billed, at the prices in force at as_of, by UTC day: what today's choice costs from now on.
SELECT workload, toDate(at, 'UTC') AS day, sum(usd) AS usd, countIf(missing) AS missing, count() AS attempts FROM (
  WITH
    r.input_fresh + r.cache_read + r.cache_write_short + r.cache_write_long + r.cache_write_other AS total_input,
    multiIf(r.processing = 'batch', 'batch', r.tier IN ('flex', 'priority', 'fast'), r.tier, 'standard') AS variant,
    dictGet('price_at', ('id0', 'start1', 'id1', 'start2', 'id2'),
      cityHash64(r.provider, r.model, variant, r.region), {as_of:DateTime('UTC')}) AS span,
    multiIf(total_input > span.4, span.5, total_input > span.2, span.3, span.1) AS price,
    dictGet('price_of', ('input_fresh', 'cache_read', 'cache_write_short', 'cache_write_long', 'cache_write_other', 'output'), toUInt64(price)) AS p
  SELECT r.workload AS workload, r.at AS at,
    price = 0 OR r.usage_source = 'absent' OR (r.input_fresh > 0 AND isNull(p.1)) OR (r.cache_read > 0 AND isNull(p.2))
      OR (r.cache_write_short > 0 AND isNull(p.3)) OR (r.cache_write_long > 0 AND isNull(p.4))
      OR (r.cache_write_other > 0 AND isNull(p.5)) OR (r.output > 0 AND isNull(p.6)) AS missing,
    (r.input_fresh * toFloat64(ifNull(p.1, toDecimal64(0, 12))) + (r.cache_read * toFloat64(ifNull(p.2, toDecimal64(0, 12)))
      + r.cache_write_short * toFloat64(ifNull(p.3, toDecimal64(0, 12))) + r.cache_write_long * toFloat64(ifNull(p.4, toDecimal64(0, 12)))
      + r.cache_write_other * toFloat64(ifNull(p.5, toDecimal64(0, 12)))) + r.output * toFloat64(ifNull(p.6, toDecimal64(0, 12)))) AS usd
  FROM requests AS r FINAL
  WHERE r.workload IN {workloads:Array(String)} AND r.at >= {from:DateTime('UTC')} AND r.at < {to:DateTime('UTC')} AND r.duplicate_of = 0
    AND r.side = 'api'
    AND (total_input + r.output > 0 OR r.usage_source = 'absent'))
GROUP BY workload, day
ORDER BY workload, day
