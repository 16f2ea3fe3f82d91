-- Work of one day for many workloads in a share of its ten-second buckets.
INSERT INTO work_10s
SELECT {start:DateTime('UTC')} + toIntervalSecond(10 * intDiv(number, {workloads:UInt32})) AS at,
  concat('w', toString(number % {workloads:UInt32})), '', 'api', 1, 8000 + cityHash64(number) % 7000, 0, 200 + cityHash64(number, 1) % 900, 0, 1
FROM numbers(8640 * {workloads:UInt32})
WHERE cityHash64(number, toUInt32({start:DateTime('UTC')}), 2) % 10000 < 10000 * {share:Float64}
