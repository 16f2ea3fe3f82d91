-- Parsing alone: every value of every line is read, and nothing is done with it but a sum.
SELECT count() AS rows, sum(length(ifNull(j.1, '')) + length(ifNull(j.2, '')) + length(ifNull(j.3, '')) + length(ifNull(j.4, '')) + length(ifNull(j.5, ''))
    + length(ifNull(j.6, '')) + length(ifNull(j.7, '')) + length(ifNull(j.8, ''))) AS letters,
  sum(ifNull(j.9, 0) + ifNull(j.10, 0) + ifNull(j.11, 0) + ifNull(j.12, 0)) AS tokens, sum(ifNull(j.13, 0) + ifNull(j.14, 0) + ifNull(j.15, 0)) AS numbers
FROM (SELECT JSONExtract(line, 'Tuple(ts Nullable(String), request_id Nullable(String), provider Nullable(String), model Nullable(String), key Nullable(String), team Nullable(String), workload Nullable(String), environment Nullable(String), input_fresh Nullable(Float64), cache_read Nullable(Float64), cache_write_short Nullable(Float64), output Nullable(Float64), status Nullable(Float64), latency_ms Nullable(Float64), ttft_ms Nullable(Float64))') AS j
  FROM raw_lines)
