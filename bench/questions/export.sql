-- Requests of some days as peers keep them.
SELECT at, model, team, workload, cost, input_fresh + cache_read AS tokens_in, output AS tokens_out, status >= 400 AS failed, latency_ms, hex(event_id) AS id
FROM requests FINAL WHERE at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')}
