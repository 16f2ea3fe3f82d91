-- What each GPU did for most of each bucket: the place of its longest state among the words of the mapping.
SELECT time, lane, argMax(code, spent) AS value FROM (
  SELECT toStartOfInterval(hour, toIntervalSecond({bucket:UInt32})) AS time, concat(pool, ' ', if(slice = '', gpu, slice)) AS lane,
    indexOf(['serving', 'serving_low', 'warm_idle', 'unallocated', 'busy_other', 'held_unknown', 'unknown', 'spare'], state) AS code, sum(seconds) AS spent
  FROM v_gpu_hourly
  WHERE hour >= {from:DateTime} AND hour < {to:DateTime} AND gpu != '' AND (empty({pool:Array(String)}) OR pool IN {pool:Array(String)})
    AND (empty({node:Array(String)}) OR node IN {node:Array(String)})
  GROUP BY time, lane, code)
GROUP BY time, lane ORDER BY time, lane
