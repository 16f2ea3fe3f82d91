-- Requests of one day, forty a workload, so that prices are replayed on something.
INSERT INTO requests (at, event_id, side, provider, model, workload, input_fresh, output, usage_source, status, price_id)
SELECT {start:DateTime('UTC')} + toIntervalSecond(2160 * intDiv(number, {workloads:UInt32})), cityHash64(number, {start:DateTime('UTC')}), 'api',
  'openai', 'm', concat('w', toString(number % {workloads:UInt32})), 11500 * {share:Float64} * 216, 650 * {share:Float64} * 216, 'provider', 200, 1
FROM numbers(40 * {workloads:UInt32})
