-- History: money at the prices of another day, apart from what is booked; and every column of every view says what it is.
-- Other vintages have a table of their own: a sum over v_cost_hourly must never hold the same hour twice.

CREATE TABLE IF NOT EXISTS cost_vintages (
  hour DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Start of the hour, UTC',
  side LowCardinality(String) COMMENT 'api or self_hosted',
  provider LowCardinality(String) COMMENT 'Who bills; own for a pool; the name of an overhead',
  model LowCardinality(String) COMMENT 'Model as billed or served, empty for money of no model',
  deployment LowCardinality(String) COMMENT 'Declared deployment',
  pool LowCardinality(String) COMMENT 'Pool of GPUs, empty for an API',
  workload LowCardinality(String) COMMENT 'Workload, empty for money of no single workload',
  team LowCardinality(String) COMMENT 'Team',
  environment LowCardinality(String) COMMENT 'Environment',
  component LowCardinality(String) COMMENT 'As in cost_hourly; unpriced for the tokens that have no price',
  basis LowCardinality(String) COMMENT 'Narrowest basis that holds it: usage is part of allocation',
  vintage LowCardinality(String) COMMENT 'current, or as-of:DATE: whose prices',
  counted LowCardinality(String) COMMENT 'requests, reports of the provider, or declared',
  usd Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD at the prices of the vintage',
  usd_approximate Decimal(38, 12) CODEC(ZSTD(1)) COMMENT 'USD of it whose token classes or context tier are not told exactly',
  unpriced_tokens Int64 CODEC(T64, ZSTD(1)) COMMENT 'Tokens that have no price in this vintage',
  ver UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'Recompute, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(hour)
ORDER BY (vintage, hour, side, provider, model, deployment, pool, workload, team, environment, component, basis, counted)
COMMENT 'Recorded work at the prices of another day; made on request, booked money is not touched';

CREATE VIEW IF NOT EXISTS v_cost_vintages AS
SELECT hour, side, provider, model, deployment, pool, workload, team, environment, component, basis, vintage, counted, usd, usd_approximate,
  unpriced_tokens
FROM cost_vintages FINAL WHERE usd != 0 OR unpriced_tokens != 0;

CREATE VIEW IF NOT EXISTS repriced_attempts AS
WITH
  multiIf(r.processing = 'batch', 'batch', r.tier IN ('flex', 'priority', 'fast'), toString(r.tier), 'standard') AS variant,
  -- the same time of the day, within the 24 hours from {priced_at} on
  {priced_at:DateTime('UTC')} + toIntervalSecond(positiveModulo(toInt64(toUnixTimestamp(toDateTime(r.at, 'UTC')))
    - toInt64(toUnixTimestamp({priced_at:DateTime('UTC')})), 86400)) AS moment,
  dictGet('price_at', ('id0', 'start1', 'id1', 'start2', 'id2'),
    cityHash64(toString(r.provider), toString(r.model), variant, toString(r.region)), moment) AS span,
  r.input_fresh + r.cache_read + r.cache_write_short + r.cache_write_long + r.cache_write_other AS total_input,
  multiIf(total_input > span.4, span.5, total_input > span.2, span.3, span.1) AS price,
  dictGet('price_of', ('input_fresh', 'cache_read', 'cache_write_short', 'cache_write_long', 'cache_write_other', 'output',
    'output_reasoning', 'input_audio', 'output_audio', 'input_image', 'output_image', 'n_web_search', 'n_file_search', 'request'),
    toUInt64(price)) AS p,
  if(isNull(p.8), 0, least(ifNull(r.input_audio, 0), r.input_fresh)) AS in_audio,
  if(isNull(p.10), 0, least(ifNull(r.input_image, 0), r.input_fresh - in_audio)) AS in_image,
  if(isNull(p.7), 0, least(ifNull(r.output_reasoning, 0), r.output)) AS out_reasoning,
  if(isNull(p.9), 0, least(ifNull(r.output_audio, 0), r.output - out_reasoning)) AS out_audio,
  if(isNull(p.11), 0, least(ifNull(r.output_image, 0), r.output - out_reasoning - out_audio)) AS out_image,
  toDecimal64(0, 12) AS nothing,
  toInt64(price != 0 AND r.usage_source != 'absent') AS paid
SELECT r.at AS at, r.event_id AS event_id, r.provider AS provider, r.model AS model, r.deployment AS deployment, r.workload AS workload,
  r.team AS team, r.environment AS environment, r.request_id AS request_id, r.attempt AS attempt, r.status AS status,
  r.approximate != 0 OR r.usage_source = 'estimated' AS approximate,
  r.input_fresh * isNull(p.1) + r.cache_read * isNull(p.2) + r.cache_write_short * isNull(p.3) + r.cache_write_long * isNull(p.4)
    + r.cache_write_other * isNull(p.5) + r.output * isNull(p.6) + greatest(r.unexplained, 0) AS unpriced_tokens,
  paid * ((r.input_fresh - in_audio - in_image) * ifNull(p.1, nothing) + in_audio * ifNull(p.8, nothing)
    + in_image * ifNull(p.10, nothing)) AS usd_input_fresh,
  paid * r.cache_read * ifNull(p.2, nothing) AS usd_cache_read,
  paid * r.cache_write_short * ifNull(p.3, nothing) AS usd_cache_write_short,
  paid * r.cache_write_long * ifNull(p.4, nothing) AS usd_cache_write_long,
  paid * r.cache_write_other * ifNull(p.5, nothing) AS usd_cache_write_other,
  paid * ((r.output - out_reasoning - out_audio - out_image) * ifNull(p.6, nothing) + out_reasoning * ifNull(p.7, nothing)
    + out_audio * ifNull(p.9, nothing) + out_image * ifNull(p.11, nothing)) AS usd_output,
  paid * (ifNull(r.n_web_search, 0) * ifNull(p.12, nothing) + ifNull(r.n_file_search, 0) * ifNull(p.13, nothing)
    + if(r.status < 400, ifNull(p.14, nothing), nothing)) AS usd_fees
FROM requests AS r FINAL
WHERE r.duplicate_of = 0 AND r.side = 'api'
  AND (toDate(r.at, 'UTC'), r.provider) NOT IN (SELECT day, provider FROM usage_days FINAL WHERE counted = 'reports');

CREATE VIEW IF NOT EXISTS repriced_reports AS
WITH
  {priced_at:DateTime('UTC')} + toIntervalSecond(positiveModulo(toInt64(toUnixTimestamp(b.hour))
    - toInt64(toUnixTimestamp({priced_at:DateTime('UTC')})), 86400)) AS moment,
  dictGet('price_at', ('id0', 'start1', 'id1'), cityHash64(toString(b.provider), toString(b.model), toString(b.variant), ''), moment) AS now_,
  dictGet('price_at', ('id0', 'start1', 'id1'), cityHash64(toString(b.provider), toString(b.model), toString(b.variant), ''), b.hour) AS then_,
  -- the higher context tier where the bucket was booked at it
  toUInt32(if(b.price_id != 0 AND b.price_id = then_.3 AND b.price_id != then_.1, now_.3, now_.1)) AS price,
  toDecimal128(0, 12) AS nothing,
  dictGet('price_of', ('input_fresh', 'cache_read', 'cache_write_short', 'cache_write_long', 'cache_write_other', 'output', 'n_web_search'),
    toUInt64(price)) AS p,
  ifNull(dictGet('price_of', 'n_web_search', toUInt64(b.price_id)), toDecimal64(0, 12)) AS per_search,
  toInt64(if(per_search = 0, 0, round(toFloat64(b.usd_fees) / toFloat64(per_search)))) AS searches
SELECT b.hour AS hour, b.provider AS provider, b.model AS model, b.deployment AS deployment, b.workload AS workload, b.team AS team,
  b.approximate AS approximate,
  b.input_fresh * isNull(p.1) + b.cache_read * isNull(p.2) + b.cache_write_short * isNull(p.3) + b.cache_write_long * isNull(p.4)
    + b.cache_write_other * isNull(p.5) + b.output * isNull(p.6) AS unpriced_tokens,
  b.input_fresh * ifNull(toDecimal128(p.1, 12), nothing) AS usd_input_fresh,
  b.cache_read * ifNull(toDecimal128(p.2, 12), nothing) AS usd_cache_read,
  b.cache_write_short * ifNull(toDecimal128(p.3, 12), nothing) AS usd_cache_write_short,
  b.cache_write_long * ifNull(toDecimal128(p.4, 12), nothing) AS usd_cache_write_long,
  b.cache_write_other * ifNull(toDecimal128(p.5, 12), nothing) AS usd_cache_write_other,
  b.output * ifNull(toDecimal128(p.6, 12), nothing) AS usd_output,
  searches * ifNull(toDecimal128(p.7, 12), nothing) AS usd_fees
FROM counted_reports AS b;

ALTER TABLE v_requests
  COMMENT COLUMN at 'Start of the attempt, UTC; the same in every delivery of it',
  COMMENT COLUMN side 'api or self_hosted',
  COMMENT COLUMN source 'The collector that brought the row',
  COMMENT COLUMN provider 'Who bills: openai, anthropic, ..., or the own pool',
  COMMENT COLUMN model 'Model as billed',
  COMMENT COLUMN deployment 'Declared deployment, empty if none matched',
  COMMENT COLUMN workload 'Declared workload, else unassigned',
  COMMENT COLUMN team 'Team as declared by the source or a rule',
  COMMENT COLUMN environment 'prod, staging, ...',
  COMMENT COLUMN key 'Name or id of the API key, never the key',
  COMMENT COLUMN request_id 'Hash of the logical request, 0 = none given',
  COMMENT COLUMN attempt 'Number of the attempt within its logical request',
  COMMENT COLUMN input_fresh 'Tokens billed at the full input price',
  COMMENT COLUMN cache_read 'Tokens read from a cache',
  COMMENT COLUMN cache_write_short 'Tokens written to a short-lived cache (5 to 30 minutes)',
  COMMENT COLUMN cache_write_long 'Tokens written to a long-lived cache (1 to 12 hours)',
  COMMENT COLUMN cache_write_other 'Tokens written to a cache of unknown life',
  COMMENT COLUMN output 'All billed output tokens, reasoning included',
  COMMENT COLUMN unexplained 'Reported total minus the known classes: shown, never priced',
  COMMENT COLUMN output_reasoning 'Part of output; informational',
  COMMENT COLUMN total_input 'Sum of the input classes',
  COMMENT COLUMN tier 'Tier as served: standard, flex, priority, fast, ...',
  COMMENT COLUMN processing 'online or batch',
  COMMENT COLUMN region 'Billing region, empty if prices do not depend on it',
  COMMENT COLUMN status 'HTTP status, or its nearest: 408 timed out, 499 cancelled',
  COMMENT COLUMN ttft_ms 'Milliseconds to the first token',
  COMMENT COLUMN latency_ms 'Milliseconds to the last token',
  COMMENT COLUMN usage_source 'Who counted the tokens',
  COMMENT COLUMN approximate 'Why the classes are not exact, as bits: 1 = cached share of the input not told, counted as fresh',
  COMMENT COLUMN cost_reported 'USD the source says; beside cost, never added to it',
  COMMENT COLUMN price_id 'Row of prices that priced it, 0 = no price',
  COMMENT COLUMN unpriced_tokens 'Tokens of classes without a price',
  COMMENT COLUMN cost 'USD at the price in force at `at`; NULL = unpriced or usage absent';

ALTER TABLE v_usage_hourly
  COMMENT COLUMN hour 'Start of the hour, UTC',
  COMMENT COLUMN side 'api or self_hosted',
  COMMENT COLUMN provider 'Who bills',
  COMMENT COLUMN model 'Model as billed',
  COMMENT COLUMN deployment 'Declared deployment',
  COMMENT COLUMN workload 'Workload',
  COMMENT COLUMN team 'Team',
  COMMENT COLUMN environment 'Environment',
  COMMENT COLUMN tier 'Price variant as served',
  COMMENT COLUMN price_id 'Price that applied, 0 = none',
  COMMENT COLUMN counted 'Where it is known from: request records, usage reports of the provider, counters of the model server',
  COMMENT COLUMN attempts 'Billed attempts',
  COMMENT COLUMN failed 'Attempts with status 400 or above',
  COMMENT COLUMN no_usage 'Attempts whose tokens nobody counted: unknown, not 0',
  COMMENT COLUMN unpriced_attempts 'Attempts of the API side with tokens and a class without a price',
  COMMENT COLUMN unpriced_tokens 'Tokens without a price',
  COMMENT COLUMN input_fresh 'Tokens billed at the full input price',
  COMMENT COLUMN cache_read 'Tokens read from a cache',
  COMMENT COLUMN cache_write_short 'Tokens written to a short-lived cache',
  COMMENT COLUMN cache_write_long 'Tokens written to a long-lived cache',
  COMMENT COLUMN cache_write_other 'Tokens written to a cache of unknown life',
  COMMENT COLUMN output 'Output tokens, reasoning included',
  COMMENT COLUMN unexplained 'Reported total minus the known classes',
  COMMENT COLUMN output_reasoning 'Part of output',
  COMMENT COLUMN total_input 'Sum of the input classes',
  COMMENT COLUMN requests 'Logical requests, counted at their first attempt',
  COMMENT COLUMN successful_requests 'Logical requests with a success, counted at the first one',
  COMMENT COLUMN useful_cost 'USD of attempts that were the first success of their request',
  COMMENT COLUMN wasted_cost 'USD of failed and repeated attempts',
  COMMENT COLUMN cost 'USD booked, all attempts',
  COMMENT COLUMN uncounted_tokens 'Tokens of usage whose requests nobody counted',
  COMMENT COLUMN approximate_cost 'USD of usage whose token classes or context tier are not told exactly',
  COMMENT COLUMN cost_reported 'USD the source itself says; beside cost, never added';

ALTER TABLE v_cost_hourly
  COMMENT COLUMN hour 'Start of the hour, UTC',
  COMMENT COLUMN side 'api or self_hosted',
  COMMENT COLUMN provider 'Who bills; own for a pool; the name of an overhead',
  COMMENT COLUMN model 'Model as billed or served, empty for money of no model',
  COMMENT COLUMN deployment 'Declared deployment',
  COMMENT COLUMN pool 'Pool of GPUs, empty for an API',
  COMMENT COLUMN workload 'Workload, empty for money of no single workload',
  COMMENT COLUMN team 'Team',
  COMMENT COLUMN environment 'Environment',
  COMMENT COLUMN component 'Token class, fees, retries_failed, gpu_used, gpu_headroom, gpu_warm_idle, gpu_unallocated, gpu_spare, gpu_other_use, gpu_held_unknown, gpu_unknown, node_others, overhead, commitment_unused',
  COMMENT COLUMN basis 'Narrowest basis that holds it: usage is part of allocation',
  COMMENT COLUMN vintage 'booked = prices in force at the event; other vintages are in v_cost_vintages',
  COMMENT COLUMN usd 'USD';

ALTER TABLE v_cost_daily
  COMMENT COLUMN day 'UTC day',
  COMMENT COLUMN side 'api or self_hosted',
  COMMENT COLUMN provider 'Who bills; own for a pool; the name of an overhead',
  COMMENT COLUMN model 'Model as billed or served, empty for money of no model',
  COMMENT COLUMN deployment 'Declared deployment',
  COMMENT COLUMN pool 'Pool of GPUs, empty for an API',
  COMMENT COLUMN workload 'Workload, empty for money of no single workload',
  COMMENT COLUMN team 'Team',
  COMMENT COLUMN environment 'Environment',
  COMMENT COLUMN component 'Token class, fees, retries_failed, gpu_used, gpu_headroom, gpu_warm_idle, gpu_unallocated, gpu_spare, gpu_other_use, gpu_held_unknown, gpu_unknown, node_others, overhead, commitment_unused',
  COMMENT COLUMN basis 'Narrowest basis that holds it: usage is part of allocation',
  COMMENT COLUMN vintage 'booked = prices in force at the event; other vintages are in v_cost_vintages',
  COMMENT COLUMN usd 'USD';

ALTER TABLE v_gpu_hourly
  COMMENT COLUMN hour 'Start of the hour, UTC',
  COMMENT COLUMN pool 'Pool',
  COMMENT COLUMN deployment 'Deployment the GPU belongs to, empty if none claims it',
  COMMENT COLUMN node 'Host',
  COMMENT COLUMN gpu 'UUID; unseen-N for a GPU that is paid for and never reported',
  COMMENT COLUMN slice 'UUID of the MIG instance',
  COMMENT COLUMN state 'serving, serving_low, warm_idle, spare, unallocated, busy_other, held_unknown or unknown',
  COMMENT COLUMN seconds 'Seconds in that state',
  COMMENT COLUMN used_s 'Seconds of them that measured work fills',
  COMMENT COLUMN usd 'USD of those seconds',
  COMMENT COLUMN energy_wh 'Watt-hours, NULL where no counter gave it';

ALTER TABLE v_verdicts
  COMMENT COLUMN at 'Evaluated with data up to this instant',
  COMMENT COLUMN workload 'Workload',
  COMMENT COLUMN verdict 'api, self_hosted, hybrid, insufficient_data, insufficient_capacity, no_options',
  COMMENT COLUMN reason 'Why, in a sentence',
  COMMENT COLUMN current 'Where it runs now: api, self_hosted, hybrid',
  COMMENT COLUMN option 'Deployment that the verdict is about',
  COMMENT COLUMN replicas 'Best number of replicas, the rest goes to the API',
  COMMENT COLUMN used_share_needed 'Break-even utilisation: a replica pays above it',
  COMMENT COLUMN used_share 'Utilisation of the first replica at this load',
  COMMENT COLUMN api_usd_month 'USD in 720 h, all on the API, at current prices',
  COMMENT COLUMN candidate_usd_month 'USD in 720 h at the best number of replicas',
  COMMENT COLUMN saving_usd_month 'USD in 720 h saved against today',
  COMMENT COLUMN requests_month 'Successful requests in 720 h at this rate',
  COMMENT COLUMN coverage 'Share of the hours that are known',
  COMMENT COLUMN flips_at 'The one number that would change the verdict',
  COMMENT COLUMN details 'All figures, JSON';

ALTER TABLE v_reconciliation
  COMMENT COLUMN day 'UTC day',
  COMMENT COLUMN provider 'Who bills',
  COMMENT COLUMN account 'Accounts in the bill',
  COMMENT COLUMN metered 'USD of the requests that we know, booked prices',
  COMMENT COLUMN billed 'USD that the provider bills',
  COMMENT COLUMN residual 'billed - metered, USD; the causes add up to it',
  COMMENT COLUMN boundary 'USD billed in another day than used',
  COMMENT COLUMN missing_usage 'USD of usage that the provider tells and we did not meter',
  COMMENT COLUMN price 'USD by which the bill has other prices than our book',
  COMMENT COLUMN discount 'USD of a factor that the whole bill shows',
  COMMENT COLUMN tax 'USD of taxes',
  COMMENT COLUMN credit 'USD of credits',
  COMMENT COLUMN fee 'USD of purchases and adjustments',
  COMMENT COLUMN unknown 'USD that nothing explains',
  COMMENT COLUMN discount_factor 'Billed over list price, offered and never applied',
  COMMENT COLUMN is_final '1 once the provider says that the bill will not change soon';

ALTER TABLE v_prices
  COMMENT COLUMN price_id 'Number of this row; a correction is a new row',
  COMMENT COLUMN provider 'Provider of the price book',
  COMMENT COLUMN model 'Model of the price book',
  COMMENT COLUMN variant 'standard, batch, flex, priority, fast',
  COMMENT COLUMN region 'Billing region, empty = any',
  COMMENT COLUMN tier_start 'Applies when total input is above this many tokens; 0 = base',
  COMMENT COLUMN valid_from 'First second it is in force',
  COMMENT COLUMN valid_to 'Last second it is in force',
  COMMENT COLUMN recorded_at 'When we learned it',
  COMMENT COLUMN source 'genai-prices VERSION, or user',
  COMMENT COLUMN flags '1 cache read at input price, 2 cache write at input price, 4 no price for this variant, 8 set by the user, 32 rounded to 12 decimals',
  COMMENT COLUMN input_fresh_per_mtok 'USD per million tokens, NULL = no price',
  COMMENT COLUMN cache_read_per_mtok 'USD per million tokens, NULL = no price',
  COMMENT COLUMN cache_write_short_per_mtok 'USD per million tokens, NULL = no price',
  COMMENT COLUMN cache_write_long_per_mtok 'USD per million tokens, NULL = no price',
  COMMENT COLUMN output_per_mtok 'USD per million tokens, NULL = no price';

ALTER TABLE v_charges
  COMMENT COLUMN source 'Configured source, or the file import',
  COMMENT COLUMN account 'Account at the provider',
  COMMENT COLUMN provider 'Who bills',
  COMMENT COLUMN start 'Start of the charge period, UTC',
  COMMENT COLUMN end 'End of the charge period, UTC, exclusive',
  COMMENT COLUMN charge_category 'usage, purchase, tax, credit or adjustment',
  COMMENT COLUMN line 'Line as the provider words it',
  COMMENT COLUMN model 'Model, empty if the line names none',
  COMMENT COLUMN token_class 'Token class, empty if the line is of no one class',
  COMMENT COLUMN project 'Project, workspace or sub-account',
  COMMENT COLUMN key 'Identifier of the API key, never the key',
  COMMENT COLUMN tier 'Service tier as served',
  COMMENT COLUMN resource 'Resource, such as a GPU node',
  COMMENT COLUMN billed_cost 'Money of the invoice, after discounts, in the currency of the row',
  COMMENT COLUMN effective_cost 'The same with commitments spread over what they cover',
  COMMENT COLUMN list_cost 'Before discounts, NULL where not told',
  COMMENT COLUMN currency 'Currency of the row, ISO 4217',
  COMMENT COLUMN quantity 'How much was used, in tokens where the unit is tokens',
  COMMENT COLUMN unit 'Unit of the quantity',
  COMMENT COLUMN billing_period 'First day of the billing period',
  COMMENT COLUMN origin 'File that told it, empty for a source that was asked',
  COMMENT COLUMN about_models '1 for money of models, 0 for anything else in a bill',
  COMMENT COLUMN is_final '1 once the provider says that it will not change soon';

ALTER TABLE v_usage_buckets
  COMMENT COLUMN source 'Configured source',
  COMMENT COLUMN account 'Account at the provider',
  COMMENT COLUMN provider 'Who bills',
  COMMENT COLUMN view 'Dimensions that the provider grouped by; views are never added to one another',
  COMMENT COLUMN start 'Start of the bucket, UTC',
  COMMENT COLUMN width_s 'Length of the bucket, seconds',
  COMMENT COLUMN model 'Model as billed',
  COMMENT COLUMN project 'Project or workspace',
  COMMENT COLUMN key 'Identifier of the API key, never the key',
  COMMENT COLUMN tier 'Service tier as served',
  COMMENT COLUMN processing 'online or batch',
  COMMENT COLUMN context 'Context window class, if the provider tells it',
  COMMENT COLUMN deployment 'Declared deployment, empty if none matched',
  COMMENT COLUMN workload 'Declared workload, else unassigned',
  COMMENT COLUMN team 'Team of the workload',
  COMMENT COLUMN input_fresh 'Tokens billed at the full input price',
  COMMENT COLUMN cache_read 'Tokens read from a cache',
  COMMENT COLUMN cache_write_short 'Tokens written to a cache for a short life',
  COMMENT COLUMN cache_write_long 'Tokens written to a cache for a long life',
  COMMENT COLUMN cache_write_other 'Tokens written to a cache whose life is not told',
  COMMENT COLUMN output 'Output tokens, reasoning included',
  COMMENT COLUMN n_requests 'Requests, NULL where the provider does not tell',
  COMMENT COLUMN n_web_search 'Web searches',
  COMMENT COLUMN extra 'Numbers of the provider that we do not know yet',
  COMMENT COLUMN is_final '1 once the provider says that it will not change soon';

ALTER TABLE v_usage_days
  COMMENT COLUMN day 'UTC day',
  COMMENT COLUMN provider 'Who bills',
  COMMENT COLUMN counted 'What the cost of the day is made of: requests, or reports of the provider; never both';

ALTER TABLE v_engine_samples
  COMMENT COLUMN at 'End of the interval, UTC',
  COMMENT COLUMN node 'Host that looked',
  COMMENT COLUMN deployment 'Declared deployment, empty if none matched',
  COMMENT COLUMN replica 'Address of the server',
  COMMENT COLUMN model 'Model as the server names it',
  COMMENT COLUMN pool 'Pool that pays for it, empty if not told',
  COMMENT COLUMN dt_s 'Length of the interval, seconds',
  COMMENT COLUMN up '0 = the server did not answer',
  COMMENT COLUMN input_fresh 'Prompt tokens that were computed',
  COMMENT COLUMN cache_read 'Prompt tokens read from the prefix cache',
  COMMENT COLUMN output 'Generated tokens, those of aborted requests included',
  COMMENT COLUMN n_ok 'Requests that ended well; NULL where the server does not count them',
  COMMENT COLUMN n_aborted 'Requests that the caller gave up',
  COMMENT COLUMN n_failed 'Requests that failed',
  COMMENT COLUMN running 'Requests being served at the end',
  COMMENT COLUMN waiting 'Requests that waited at the end',
  COMMENT COLUMN kv_used 'Share of the KV cache in use, 0 to 1',
  COMMENT COLUMN idle_s 'Seconds without work, where the server counts them',
  COMMENT COLUMN prefill_s 'Seconds of prefill, over all requests',
  COMMENT COLUMN decode_s 'Seconds of decoding, over all requests',
  COMMENT COLUMN ttft 'Time to first token: requests at or below each edge, seconds',
  COMMENT COLUMN reset '1 = a counter began again: the counts are a lower bound',
  COMMENT COLUMN source 'Who looked';

ALTER TABLE v_capacities
  COMMENT COLUMN deployment 'Declared deployment',
  COMMENT COLUMN recorded_at 'When we learned it',
  COMMENT COLUMN s_per_uncached 'Replica-seconds an uncached input token takes within the latency objective',
  COMMENT COLUMN s_per_cached 'Replica-seconds a cached input token takes',
  COMMENT COLUMN s_per_output 'Replica-seconds an output token takes',
  COMMENT COLUMN s_per_kv 'Replica-seconds a unit of in*out + out*out/2 takes',
  COMMENT COLUMN grade 'A load test, B saturated production, C best seen, D published, E typed in; empty = withdrawn',
  COMMENT COLUMN ttft_p99_ms 'Latency objective: time to first token',
  COMMENT COLUMN tpot_p90_ms 'Latency objective: time per output token',
  COMMENT COLUMN evidence 'Method, shapes, throughput, files, as JSON';

ALTER TABLE v_advice
  COMMENT COLUMN day 'Complete UTC day up to which it speaks',
  COMMENT COLUMN workload 'Workload',
  COMMENT COLUMN event 'Empty for the state of a day; acknowledged or switched where a person said so',
  COMMENT COLUMN state 'insufficient, steady, watch, recommend, acknowledged, clear',
  COMMENT COLUMN candidate 'What is advised: label, deployment and replicas, between |',
  COMMENT COLUMN regret 'What staying has cost so far beyond moving, USD; it never falls below 0',
  COMMENT COLUMN memory 'What the next day needs to know, JSON',
  COMMENT COLUMN transitions 'Changes of state on this day, with their reasons, JSON',
  COMMENT COLUMN facts 'Forecast that a person accepted, JSON';

ALTER TABLE v_alerts
  COMMENT COLUMN rule 'Rule',
  COMMENT COLUMN series 'Labels as k=v,k=v in their order',
  COMMENT COLUMN changed_at 'When it came into this state',
  COMMENT COLUMN labels 'Labels of the instance',
  COMMENT COLUMN state 'normal, pending, firing, recovering, nodata, error; forgotten ends an instance',
  COMMENT COLUMN reason 'Why without a value of its own: NoData, Error, MissingSeries, Updated',
  COMMENT COLUMN starts_at 'Beginning of the state, as Grafana tells it',
  COMMENT COLUMN ends_at 'Until when a firing one holds if nobody looks again',
  COMMENT COLUMN fired_at 'Beginning of the episode that is told outside',
  COMMENT COLUMN last_seen 'Last look that had a row of it',
  COMMENT COLUMN value 'Value at the last look, -1 without one',
  COMMENT COLUMN figures 'Numbers for its text',
  COMMENT COLUMN summary 'What it says',
  COMMENT COLUMN rule_hash 'Definition that it was judged by',
  COMMENT COLUMN told_at 'When it was last handed to the channels as firing',
  COMMENT COLUMN told_value 'Its value then',
  COMMENT COLUMN acknowledged_by 'Who said that they know; empty';

ALTER TABLE v_sources
  COMMENT COLUMN source 'Who brought it',
  COMMENT COLUMN kind 'requests, gpu_samples, engine_samples, charges or usage_buckets',
  COMMENT COLUMN rows 'Rows in the store',
  COMMENT COLUMN first 'First instant, UTC',
  COMMENT COLUMN last 'Last instant, UTC',
  COMMENT COLUMN provisional 'Rows that the provider may still change',
  COMMENT COLUMN stored 'When the latest row was stored',
  COMMENT COLUMN rejected 'Rows that were refused';

ALTER TABLE v_asked
  COMMENT COLUMN source 'Configured source',
  COMMENT COLUMN stream 'What is asked of it',
  COMMENT COLUMN complete_through 'Everything up to here is known',
  COMMENT COLUMN last_success 'Last poll that succeeded',
  COMMENT COLUMN error 'Why the last poll failed, empty if it did not';

ALTER TABLE v_facts
  COMMENT COLUMN source 'Who brought it',
  COMMENT COLUMN kind 'requests, gpu_samples, engine_samples, charges or usage_buckets',
  COMMENT COLUMN at 'When it happened, UTC';

ALTER TABLE v_cost_vintages
  COMMENT COLUMN hour 'Start of the hour, UTC',
  COMMENT COLUMN side 'api or self_hosted',
  COMMENT COLUMN provider 'Who bills; own for a pool; the name of an overhead',
  COMMENT COLUMN model 'Model as billed or served, empty for money of no model',
  COMMENT COLUMN deployment 'Declared deployment',
  COMMENT COLUMN pool 'Pool of GPUs, empty for an API',
  COMMENT COLUMN workload 'Workload, empty for money of no single workload',
  COMMENT COLUMN team 'Team',
  COMMENT COLUMN environment 'Environment',
  COMMENT COLUMN component 'As in cost_hourly; unpriced for the tokens that have no price',
  COMMENT COLUMN basis 'Narrowest basis that holds it: usage is part of allocation',
  COMMENT COLUMN vintage 'current, or as-of:DATE: whose prices',
  COMMENT COLUMN counted 'requests, reports of the provider, or declared',
  COMMENT COLUMN usd 'USD at the prices of the vintage',
  COMMENT COLUMN usd_approximate 'USD of it whose token classes or context tier are not told exactly',
  COMMENT COLUMN unpriced_tokens 'Tokens that have no price in this vintage';
