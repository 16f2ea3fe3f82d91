-- Names of an insert's rows that were not decided on yet: a price that nobody looked for, a place that no rule was asked for.
SELECT side, provider, model, multiIf(processing = 'batch', 'batch', tier IN ('flex', 'priority', 'fast'), toString(tier), 'standard') AS variant,
  region, key, team, environment, workload, deployment, side = 'api' AND price_id = 0 AS without_price,
  NOT dictHas('place_of', cityHash64({declared:String}, toString(side), toString(provider), toString(model), toString(key), toString(team),
    toString(environment), toString(workload), toString(deployment))) AS without_place
FROM (SELECT DISTINCT side, provider, model, processing, tier, region, key, team, environment, workload, deployment, price_id FROM requests
  WHERE ver = {ver:UInt64})
WHERE without_price OR without_place
