-- Rebuild whole hours of usage_hourly: attempts, tokens, outcomes, booked money; from requests, or from what the provider reports
-- on the days on which that counts.
-- A logical request with several attempts is counted at its first attempt, and as a success at its first success;
-- attempts up to an hour before the rebuilt hours are looked at, so that a retry over the hour is seen.
INSERT INTO usage_hourly
WITH many AS (
  SELECT request_id, min((at, attempt, event_id)) AS first, minIf((at, attempt, event_id), status < 400) AS success
  FROM requests FINAL
  WHERE toStartOfHour(at) IN {around:Array(DateTime('UTC'))} AND duplicate_of = 0 AND request_id != 0
  GROUP BY request_id HAVING count() > 1)
SELECT k.hour, k.side, k.provider, k.model, k.deployment, k.workload, k.team, k.environment, k.tier, k.price_id, k.counted,
  sum(k.attempts), sum(k.failed), sum(k.no_usage), sum(k.unpriced_attempts), sum(k.unpriced_tokens),
  sum(k.input_fresh), sum(k.cache_read), sum(k.cache_write_short), sum(k.cache_write_long), sum(k.cache_write_other),
  sum(k.output), sum(k.unexplained), sum(k.output_reasoning), sum(k.n_logical), sum(k.n_success),
  sum(k.usd_input_fresh), sum(k.usd_cache_read), sum(k.usd_cache_write_short), sum(k.usd_cache_write_long),
  sum(k.usd_cache_write_other), sum(k.usd_output), sum(k.usd_fees), sum(k.usd_retries_failed), sum(k.cost),
  sum(k.uncounted_tokens), sum(k.usd_approximate), sum(k.cost_reported),
  sumMap(k.ttft_log), sumMap(k.latency_log), sumMap(k.by_status), {ver:UInt64}
FROM (
  SELECT toStartOfHour(a.at) AS hour, a.side AS side, a.provider AS provider, a.model AS model, a.deployment AS deployment,
    a.workload AS workload, a.team AS team, a.environment AS environment,
    multiIf(a.processing = 'batch', 'batch', a.tier IN ('flex', 'priority', 'fast'), a.tier, 'standard') AS tier, a.price_id AS price_id,
    'requests' AS counted,
    toInt64(count()) AS attempts, toInt64(countIf(a.status >= 400)) AS failed, toInt64(countIf(a.usage_source = 'absent')) AS no_usage,
    toInt64(countIf(a.side = 'api' AND a.unpriced != 0)) AS unpriced_attempts, toInt64(sumIf(a.unpriced_tokens, a.side = 'api')) AS unpriced_tokens,
    sum(a.input_fresh) AS input_fresh, sum(a.cache_read) AS cache_read, sum(a.cache_write_short) AS cache_write_short,
    sum(a.cache_write_long) AS cache_write_long, sum(a.cache_write_other) AS cache_write_other, sum(a.output) AS output,
    sum(a.unexplained) AS unexplained, toInt64(sum(ifNull(a.output_reasoning, 0))) AS output_reasoning,
    toInt64(countIf(a.opens)) AS n_logical, toInt64(countIf(a.good)) AS n_success,
    sumIf(a.usd_input_fresh, a.good) AS usd_input_fresh, sumIf(a.usd_cache_read, a.good) AS usd_cache_read,
    sumIf(a.usd_cache_write_short, a.good) AS usd_cache_write_short, sumIf(a.usd_cache_write_long, a.good) AS usd_cache_write_long,
    sumIf(a.usd_cache_write_other, a.good) AS usd_cache_write_other, sumIf(a.usd_output, a.good) AS usd_output,
    sumIf(a.usd_fees, a.good) AS usd_fees,
    sumIf(a.usd_input_fresh + a.usd_cache_read + a.usd_cache_write_short + a.usd_cache_write_long + a.usd_cache_write_other
      + a.usd_output + a.usd_fees, NOT a.good) AS usd_retries_failed,
    sum(ifNull(a.cost, toDecimal64(0, 12))) AS cost, toInt64(0) AS uncounted_tokens,
    sumIf(ifNull(a.cost, toDecimal64(0, 12)), a.approximate != 0 OR a.usage_source = 'estimated') AS usd_approximate, sum(ifNull(a.cost_reported, toDecimal64(0, 12))) AS cost_reported,
    mapFilter((b, n) -> n > 0, mapFromArrays(CAST(range(256), 'Array(UInt8)'),
      countResampleIf(0, 256, 1)(toUInt8(least(255, floor(log(ifNull(a.ttft_ms, 0) + 1) / log(1.1)))), isNotNull(a.ttft_ms) AND a.status < 400))) AS ttft_log,
    mapFilter((b, n) -> n > 0, mapFromArrays(CAST(range(256), 'Array(UInt8)'),
      countResampleIf(0, 256, 1)(toUInt8(least(255, floor(log(ifNull(a.latency_ms, 0) + 1) / log(1.1)))), isNotNull(a.latency_ms) AND a.status < 400))) AS latency_log,
    sumMap(map(a.status, toUInt64(1))) AS by_status
  FROM (
    SELECT p.*,
      m.request_id = 0 OR m.first = (p.at, p.attempt, p.event_id) AS opens,
      p.status < 400 AND (m.request_id = 0 OR m.success = (p.at, p.attempt, p.event_id)) AS good
    FROM counted_attempts AS p LEFT JOIN many AS m ON p.request_id = m.request_id
    WHERE toStartOfHour(p.at) IN {hours:Array(DateTime('UTC'))}) AS a
  GROUP BY hour, side, provider, model, deployment, workload, team, environment, tier, price_id
  UNION ALL -- what only the provider tells; it counts the requests that it billed, and tells nothing of retries
  SELECT b.hour, 'api', b.provider, b.model, b.deployment, b.workload, b.team, '', b.variant, b.price_id, 'reports',
    toInt64(sum(ifNull(b.n_requests, 0))), 0, 0, toInt64(sumIf(ifNull(b.n_requests, 0), b.unpriced_tokens > 0)), sum(b.unpriced_tokens),
    sum(b.input_fresh), sum(b.cache_read), sum(b.cache_write_short), sum(b.cache_write_long), sum(b.cache_write_other), sum(b.output),
    0, 0, toInt64(sum(ifNull(b.n_requests, 0))), toInt64(sum(ifNull(b.n_requests, 0))),
    sum(b.usd_input_fresh), sum(b.usd_cache_read), sum(b.usd_cache_write_short), sum(b.usd_cache_write_long),
    sum(b.usd_cache_write_other), sum(b.usd_output), sum(b.usd_fees), 0, sum(b.cost), toInt64(sumIf(b.total_input + b.output, isNull(b.n_requests))),
    sumIf(b.cost, b.approximate), 0,
    CAST(map(), 'Map(UInt8, UInt64)'), CAST(map(), 'Map(UInt8, UInt64)'), CAST(map(), 'Map(UInt16, UInt64)')
  FROM counted_reports AS b WHERE b.hour IN {hours:Array(DateTime('UTC'))}
  GROUP BY b.hour, b.provider, b.model, b.deployment, b.workload, b.team, b.variant, b.price_id
  UNION ALL -- what only model servers count, in hours without request records of the deployment
  SELECT e.hour, 'self_hosted', 'own', e.model, e.dep, 'unassigned', '', '', 'standard', 0, 'engine',
    toInt64(sum(ifNull(e.n_ok, 0) + ifNull(e.n_aborted, 0) + ifNull(e.n_failed, 0))), toInt64(sum(ifNull(e.n_aborted, 0) + ifNull(e.n_failed, 0))), 0, 0, 0,
    toInt64(sum(ifNull(e.input_fresh, 0))), toInt64(sum(ifNull(e.cache_read, 0))), 0, 0, 0, toInt64(sum(ifNull(e.output, 0))), 0, 0,
    toInt64(sum(ifNull(e.n_ok, 0) + ifNull(e.n_aborted, 0) + ifNull(e.n_failed, 0))), toInt64(sum(ifNull(e.n_ok, 0))),
    0, 0, 0, 0, 0, 0, 0, 0, 0,
    toInt64(sumIf(ifNull(e.input_fresh, 0) + ifNull(e.cache_read, 0) + ifNull(e.output, 0), isNull(e.n_ok))), 0, 0,
    CAST(map(), 'Map(UInt8, UInt64)'), CAST(map(), 'Map(UInt8, UInt64)'), CAST(map(), 'Map(UInt16, UInt64)')
  FROM (
    SELECT *, toStartOfHour(at - toIntervalMillisecond(toUInt32(dt_s * 1000))) AS hour,
      if(deployment = '', transform(model, {models:Array(String)}, {names:Array(String)}, ''), deployment) AS dep
    FROM engine_samples FINAL WHERE toStartOfHour(at) IN {after:Array(DateTime('UTC'))}) AS e
  WHERE e.hour IN {hours:Array(DateTime('UTC'))} AND (toUInt32(toUnixTimestamp(e.hour)), e.dep) IN {engine_hours:Array(Tuple(UInt32, String))}
  GROUP BY e.hour, e.model, e.dep
  UNION ALL -- keys that vanished fall to zero
  SELECT u.hour, u.side, u.provider, u.model, u.deployment, u.workload, u.team, u.environment, u.tier, u.price_id, toString(u.counted),
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    CAST(map(), 'Map(UInt8, UInt64)'), CAST(map(), 'Map(UInt8, UInt64)'), CAST(map(), 'Map(UInt16, UInt64)')
  FROM usage_hourly AS u FINAL WHERE u.hour IN {hours:Array(DateTime('UTC'))}
) AS k
GROUP BY k.hour, k.side, k.provider, k.model, k.deployment, k.workload, k.team, k.environment, k.tier, k.price_id, k.counted
