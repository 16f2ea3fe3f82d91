-- Lines of a request log of three hours, one JSON object each, numbered from {first}.
WITH {first:UInt64} + number AS n, sipHash64(n) AS h, ['gpt-4o-mini', 'gpt-4o', 'gpt-4.1', 'gpt-4.1-mini', 'o3-mini', 'gpt-4.1-nano', 'o3', 'o4-mini'] AS models
SELECT concat('{"ts":"', formatDateTime(toDateTime({start:DateTime('UTC')}, 'UTC') + intDiv(number * 10800, {count:UInt64}), '%Y-%m-%dT%H:%i:%SZ', 'UTC'),
  '","request_id":"chatcmpl-', leftPad(toString(n), 26, '0'), '","provider":"openai","model":"', models[1 + intDiv(h, 4096) % 8],
  '","key":"k', toString(h % 300), '","team":"t', toString(h % 12), '","workload":"w', toString(h % 60),
  '","environment":"prod","input_fresh":', toString(h % 5000), ',"cache_read":', toString(intDiv(h, 7) % 900), ',"cache_write_short":0,"output":',
  toString(intDiv(h, 11) % 900), ',"status":', if(h % 40 = 0, '429', '200'), ',"latency_ms":', toString(intDiv(h, 17) % 9000), ',"ttft_ms":',
  toString(intDiv(h, 13) % 900), '}') AS line
FROM numbers({count:UInt64})
