-- Hours in which a deployment's servers were looked at and no request record of it is there: what the servers count is its work.
SELECT toUInt32(toUnixTimestamp(hour)) AS hour, deployment FROM (
  SELECT DISTINCT toStartOfHour(at - toIntervalMillisecond(toUInt32(dt_s * 1000))) AS hour,
    if(deployment = '', transform(model, {models:Array(String)}, {names:Array(String)}, ''), deployment) AS deployment
  FROM engine_samples WHERE toStartOfHour(at) IN {after:Array(DateTime('UTC'))})
WHERE hour IN {around:Array(DateTime('UTC'))} AND deployment != '' AND (hour, deployment) NOT IN (
  SELECT toStartOfHour(at), if(deployment = '', transform(model, {models:Array(String)}, {names:Array(String)}, ''), deployment)
  FROM requests WHERE side = 'self_hosted' AND toStartOfHour(at) IN {around:Array(DateTime('UTC'))})
ORDER BY hour, deployment
