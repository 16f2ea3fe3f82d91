-- Hourly traffic of the same, so that coverage and prices are known: the evaluation reads it before the load.
INSERT INTO usage_hourly (hour, side, provider, model, workload, tier, price_id, attempts, input_fresh, output, n_logical, n_success, ver)
SELECT {start:DateTime('UTC')} + toIntervalHour(intDiv(number, {workloads:UInt32})), 'api', 'openai', 'm',
  concat('w', toString(number % {workloads:UInt32})), 'standard', 1, toInt64(360 * {share:Float64}) AS n, 11500 * n, 650 * n, n, n, 1
FROM numbers(24 * {workloads:UInt32})
