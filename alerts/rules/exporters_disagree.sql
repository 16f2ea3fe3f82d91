-- Two readings contradict each other: the latest value of each series in the window.
SELECT labels['node'] AS node, labels['gpu'] AS gpu, labels['field'] AS field, argMax(value, (at, ver)) AS value, argMax(figures['hours'], (at, ver)) AS hours
FROM signals
WHERE rule = 'exporters_disagree' AND at > {from:DateTime} AND at <= {to:DateTime}
GROUP BY node, gpu, field ORDER BY node, gpu, field
