-- First and last hour in which each self-hosted deployment has request records or looks at its servers: outside it, silence
-- is not idleness.
SELECT name, min(first) AS first, max(last) AS last FROM (
  SELECT if(deployment = '', transform(model, {models:Array(String)}, {names:Array(String)}, ''), deployment) AS name,
    toStartOfHour(min(at)) AS first, toStartOfHour(max(at)) AS last
  FROM requests WHERE side = 'self_hosted' GROUP BY name
  UNION ALL
  SELECT if(deployment = '', transform(model, {models:Array(String)}, {names:Array(String)}, ''), deployment) AS name,
    toStartOfHour(min(at)), toStartOfHour(max(at))
  FROM engine_samples WHERE up = 1 GROUP BY name)
GROUP BY name
