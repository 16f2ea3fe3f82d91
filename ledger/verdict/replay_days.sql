-- The recorded traffic of workloads on one API model at the prices in force at as_of, by UTC day, priced attempt by attempt.
-- Traffic of the same model keeps its cache classes. Traffic of our own is priced without any cache (usd, the high bound),
-- and with its own prefix hits as cache reads where the prefix is long enough (usd_low).
SELECT workload, toDate(at, 'UTC') AS day, sum(usd) AS usd, sum(usd_low) AS usd_low, countIf(missing) AS missing, count() AS attempts FROM (
  WITH
    r.side = 'api' AND r.provider = {provider:String} AND r.model = {model:String} AS same,
    if(same, 1., transform(r.workload, {workloads:Array(String)}, {ratios:Array(Float64)}, 1.)) AS ratio,
    if(r.side = 'api', r.input_fresh, r.input_fresh + r.cache_read + r.cache_write_short + r.cache_write_long + r.cache_write_other) AS fresh,
    toInt64(r.side = 'api') AS keeps,
    r.input_fresh + r.cache_read + r.cache_write_short + r.cache_write_long + r.cache_write_other AS total_input,
    multiIf(r.processing = 'batch', 'batch', r.tier IN ('flex', 'priority', 'fast'), r.tier, 'standard') AS variant,
    dictGet('price_at', ('id0', 'start1', 'id1', 'start2', 'id2'),
      cityHash64({provider:String}, {model:String}, variant, r.region), {as_of:DateTime('UTC')}) AS span,
    multiIf(total_input * ratio > span.4, span.5, total_input * ratio > span.2, span.3, span.1) AS price,
    dictGet('price_of', ('input_fresh', 'cache_read', 'cache_write_short', 'cache_write_long', 'cache_write_other', 'output'), toUInt64(price)) AS p,
    toInt64(r.side != 'api' AND r.cache_read >= {min_prefix:UInt32}) AS hits
  SELECT r.workload AS workload, r.at AS at,
    price = 0 OR r.usage_source = 'absent' OR (fresh > 0 AND isNull(p.1)) OR (keeps * r.cache_read > 0 AND isNull(p.2))
      OR (keeps * r.cache_write_short > 0 AND isNull(p.3)) OR (keeps * r.cache_write_long > 0 AND isNull(p.4))
      OR (keeps * r.cache_write_other > 0 AND isNull(p.5)) OR (r.output > 0 AND isNull(p.6)) AS missing,
    ratio * (fresh * toFloat64(ifNull(p.1, toDecimal64(0, 12))) + keeps * (r.cache_read * toFloat64(ifNull(p.2, toDecimal64(0, 12)))
      + r.cache_write_short * toFloat64(ifNull(p.3, toDecimal64(0, 12))) + r.cache_write_long * toFloat64(ifNull(p.4, toDecimal64(0, 12)))
      + r.cache_write_other * toFloat64(ifNull(p.5, toDecimal64(0, 12)))) + r.output * toFloat64(ifNull(p.6, toDecimal64(0, 12)))) AS usd,
    usd - ratio * hits * r.cache_read * greatest(0, toFloat64(ifNull(p.1, toDecimal64(0, 12))) - toFloat64(ifNull(p.2, ifNull(p.1, toDecimal64(0, 12))))) AS usd_low
  FROM requests AS r FINAL
  WHERE r.workload IN {workloads:Array(String)} AND r.at >= {from:DateTime('UTC')} AND r.at < {to:DateTime('UTC')} AND r.duplicate_of = 0
    AND (total_input + r.output > 0 OR r.usage_source = 'absent'))
GROUP BY workload, day
ORDER BY workload, day
