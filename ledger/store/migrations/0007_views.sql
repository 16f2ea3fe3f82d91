-- The SQL contract: stable names and columns for people, dashboards and scripts. FINAL stands here and nowhere else.

CREATE VIEW IF NOT EXISTS v_requests AS
SELECT at, side, source, provider, model, deployment, workload, team, environment, key, request_id, attempt,
  input_fresh, cache_read, cache_write_short, cache_write_long, cache_write_other, output, unexplained, output_reasoning,
  input_fresh + cache_read + cache_write_short + cache_write_long + cache_write_other AS total_input,
  tier, processing, region, status, ttft_ms, latency_ms, usage_source, approximate, cost_reported, price_id, unpriced_tokens, cost
FROM priced_attempts;

CREATE VIEW IF NOT EXISTS v_cost_hourly AS
SELECT hour, side, provider, model, deployment, pool, workload, team, environment, component, basis, vintage, usd
FROM cost_hourly FINAL WHERE usd != 0;

CREATE VIEW IF NOT EXISTS v_cost_daily AS
SELECT toDate(hour, 'UTC') AS day, side, provider, model, deployment, pool, workload, team, environment, component, basis, vintage,
  sum(usd) AS usd
FROM v_cost_hourly
GROUP BY day, side, provider, model, deployment, pool, workload, team, environment, component, basis, vintage;

CREATE VIEW IF NOT EXISTS v_usage_hourly AS
SELECT hour, side, provider, model, deployment, workload, team, environment, tier, price_id,
  attempts, failed, no_usage, unpriced_attempts, unpriced_tokens,
  input_fresh, cache_read, cache_write_short, cache_write_long, cache_write_other, output, unexplained, output_reasoning,
  input_fresh + cache_read + cache_write_short + cache_write_long + cache_write_other AS total_input,
  n_logical AS requests, n_success AS successful_requests,
  usd_input_fresh + usd_cache_read + usd_cache_write_short + usd_cache_write_long + usd_cache_write_other + usd_output + usd_fees AS useful_cost,
  usd_retries_failed AS wasted_cost, cost, cost_reported
FROM usage_hourly FINAL WHERE attempts != 0;

CREATE VIEW IF NOT EXISTS v_gpu_hourly AS
SELECT hour, pool, deployment, node, gpu, slice, state, seconds, used_s, usd, energy_wh
FROM gpu_hourly FINAL WHERE seconds > 0;

CREATE VIEW IF NOT EXISTS v_verdicts AS
SELECT at, workload, verdict, reason, current, option, replicas, used_share_needed, used_share,
  api_usd_month, candidate_usd_month, saving_usd_month, requests_month, coverage, flips_at, details
FROM verdicts FINAL;

CREATE VIEW IF NOT EXISTS v_prices AS
SELECT price_id, provider, model, variant, region, tier_start, valid_from, valid_to, recorded_at, source, flags,
  input_fresh * 1000000 AS input_fresh_per_mtok, cache_read * 1000000 AS cache_read_per_mtok,
  cache_write_short * 1000000 AS cache_write_short_per_mtok, cache_write_long * 1000000 AS cache_write_long_per_mtok,
  output * 1000000 AS output_per_mtok
FROM prices FINAL;
