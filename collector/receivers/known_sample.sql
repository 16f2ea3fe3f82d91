-- One reading of a GPU, if it is stored.
SELECT 1 AS known FROM gpu_samples
WHERE node = {node:String} AND gpu = {gpu:String} AND slice = {slice:String} AND at = fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')
  AND toStartOfHour(at) = toStartOfHour(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
LIMIT 1
