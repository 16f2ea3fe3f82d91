-- Ten-second readings of one day of 64 GPUs on 8 nodes, as an exporter brings them: a busy day, an idle night.
INSERT INTO gpu_samples (at, node, gpu, pool, dt_s, util, mem_mib, power_w, energy_mj, processes, source, ver)
WITH
  number % 64 AS device,
  {start:DateTime('UTC')} + toIntervalSecond(10 * intDiv(number, 64)) AS instant,
  toHour(instant) BETWEEN 8 AND 19 AND cityHash64(number) % 5 > 0 AS busy
SELECT toDateTime64(instant, 3, 'UTC'), concat('n', toString(intDiv(device, 8))), concat('GPU-', leftPad(toString(device), 36, '0')), 'lab', 10,
  if(busy, 60 + cityHash64(number, 1) % 40, 0), 70000 + cityHash64(number, 2) % 500, if(busy, 500 + cityHash64(number, 3) % 150, 110 + cityHash64(number, 3) % 5) AS w,
  toInt64(w * 10000), 1, 'nvml', {ver:UInt64}
FROM numbers(64 * 8640)
