-- Rebuild whole days of usage_daily from their hours.
INSERT INTO usage_daily
SELECT toStartOfDay(hour) AS day, side, provider, model, deployment, workload, team, environment, tier, price_id, counted,
  sum(attempts), sum(failed), sum(no_usage), sum(unpriced_attempts), sum(unpriced_tokens), sum(input_fresh), sum(cache_read), sum(cache_write_short),
  sum(cache_write_long), sum(cache_write_other), sum(output), sum(unexplained), sum(output_reasoning), sum(n_logical), sum(n_success),
  sum(usd_input_fresh), sum(usd_cache_read), sum(usd_cache_write_short), sum(usd_cache_write_long), sum(usd_cache_write_other), sum(usd_output),
  sum(usd_fees), sum(usd_retries_failed), sum(cost), sum(uncounted_tokens), sum(usd_approximate), sum(cost_reported), sumMap(ttft_log),
  sumMap(latency_log), sumMap(by_status), {ver:UInt64}
FROM usage_hourly FINAL
WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')} AND toStartOfDay(hour) IN {days:Array(DateTime('UTC'))}
GROUP BY day, side, provider, model, deployment, workload, team, environment, tier, price_id, counted
