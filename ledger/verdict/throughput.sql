-- What the replicas of an own deployment did in five minutes each, busiest first: as its servers count it, and as its request
-- records tell it (at the start of a request). Latencies are NULL where nothing tells them.
-- A server's histogram says how many first tokens came within each edge: the 99th percentile is the smallest edge that holds them.
SELECT at, by_engine, replicas, uncached, cached, output, requests, waiting, ttft_p99_ms, tpot_ms FROM (
  SELECT at, 1 AS by_engine, replicas, uncached, cached, output, requests, waiting,
    if(empty(edges), NULL, 1000 * arrayMin(arrayFilter((edge, n) -> n >= 0.99 * arrayMax(counts), edges, counts))) AS ttft_p99_ms,
    if(decode > 0, decode * 1000 / output, NULL) AS tpot_ms
  FROM (
    SELECT toStartOfFiveMinutes(e.at - toIntervalMillisecond(1)) AS at, uniqExact(replica) AS replicas,
      sum(ifNull(input_fresh, 0)) AS uncached, sum(ifNull(cache_read, 0)) AS cached, sum(ifNull(e.output, 0)) AS output,
      toFloat64(sum(ifNull(n_ok, 0) + ifNull(n_aborted, 0) + ifNull(n_failed, 0))) AS requests, avg(e.waiting) AS waiting,
      sum(ifNull(decode_s, 0)) AS decode, sumMap(mapKeys(ttft), mapValues(ttft)) AS histogram, histogram.1 AS edges, histogram.2 AS counts
    FROM engine_samples AS e FINAL
    WHERE toStartOfHour(e.at) >= toStartOfHour({from:DateTime('UTC')}) AND e.at >= {from:DateTime('UTC')} AND e.at < {to:DateTime('UTC')} AND up = 1
      AND if(deployment = '', transform(model, {models:Array(String)}, {names:Array(String)}, ''), deployment) = {deployment:String}
    GROUP BY 1)
  WHERE output > 0
  UNION ALL
  SELECT toStartOfFiveMinutes(r.at) AS at, 0, 1, sum(input_fresh + cache_write_short + cache_write_long + cache_write_other), sum(cache_read),
    sum(r.output), toFloat64(count()), NULL,
    quantileExactIfOrNull(0.99)(toFloat64(ttft_ms), isNotNull(ttft_ms)),
    quantileExactIfOrNull(0.9)((latency_ms - ttft_ms) / r.output, isNotNull(ttft_ms) AND isNotNull(latency_ms) AND r.output > 0)
  FROM requests AS r FINAL
  WHERE r.at >= {from:DateTime('UTC')} AND r.at < {to:DateTime('UTC')} AND side = 'self_hosted' AND duplicate_of = 0
    AND if(deployment = '', transform(model, {models:Array(String)}, {names:Array(String)}, ''), deployment) = {deployment:String}
  GROUP BY 1)
WHERE output > 0
ORDER BY by_engine DESC, output DESC LIMIT 4000
