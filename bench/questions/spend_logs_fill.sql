-- Rows of a CSV into the proxy's table.
CREATE TEMP TABLE came (at timestamp(3), model text, team text, workload text, cost numeric, tokens_in int, tokens_out int, failed int, latency_ms int, id text);
\copy came FROM pstdin CSV
INSERT INTO "LiteLLM_SpendLogs" (request_id, call_type, spend, total_tokens, prompt_tokens, completion_tokens, "startTime", "endTime", model, team_id, "user", status, metadata)
SELECT id, 'acompletion', cost, tokens_in + tokens_out, tokens_in, tokens_out, at, at + latency_ms * INTERVAL '1 millisecond', model, team, workload,
  CASE WHEN failed = 1 THEN 'failure' ELSE 'success' END, '{"usage_object": {}}' FROM came;
