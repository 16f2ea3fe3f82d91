-- What the questions ask, over the proxy's table.
CREATE VIEW requests AS
SELECT "startTime" AS at, model, team_id AS team, "user" AS workload, spend AS cost, prompt_tokens AS tokens_in, completion_tokens AS tokens_out,
  status = 'failure' AS failed, (extract(epoch FROM "endTime" - "startTime") * 1000) AS latency_ms
FROM "LiteLLM_SpendLogs";
