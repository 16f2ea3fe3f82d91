-- Stored money of pools, overheads and commitments of a vintage in some hours, to be set to zero where it is gone.
SELECT hour, side, provider, model, deployment, pool, workload, team, environment, component, basis, vintage, counted
FROM cost_vintages FINAL
WHERE vintage = {vintage:String} AND counted = 'declared' AND hour IN {hours:Array(DateTime('UTC'))} AND usd != 0
  AND (component = 'commitment_unused') = {commitments:Bool}
