-- Hours whose booked rollups were rebuilt since a version, up to a closed hour on the side of pools and overheads.
SELECT hour, max(ver) AS seen, max(own) AS own FROM (
  SELECT hour, ver, false AS own FROM usage_hourly WHERE ver > {after:UInt64}
  UNION ALL
  SELECT hour, ver, true FROM cost_hourly WHERE ver > {after:UInt64} AND (side = 'self_hosted' OR component IN ('overhead', 'commitment_unused')))
GROUP BY hour ORDER BY hour
