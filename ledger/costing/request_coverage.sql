-- First and last hour in which each self-hosted deployment's pool has request records: outside it, silence is not idleness.
SELECT if(deployment = '', transform(model, {models:Array(String)}, {names:Array(String)}, ''), deployment) AS name,
  toStartOfHour(min(at)) AS first, toStartOfHour(max(at)) AS last
FROM requests WHERE side = 'self_hosted' GROUP BY name
