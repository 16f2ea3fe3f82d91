-- Parts of a GPU (MIG instances, shared GPUs), who holds them, what an hour's power costs, what node-mates take.

ALTER TABLE gpu_samples
  ADD COLUMN IF NOT EXISTS share Nullable(Float32) CODEC(ZSTD(1)) COMMENT 'Part of the GPU that this MIG instance has, 0 to 1' AFTER source,
  ADD COLUMN IF NOT EXISTS pods LowCardinality(String) COMMENT 'Kubernetes pods that hold the device, namespace/name, separated by commas' AFTER share,
  ADD COLUMN IF NOT EXISTS clock_mhz Nullable(UInt16) CODEC(T64, ZSTD(1)) COMMENT 'Clock of the multiprocessors, MHz' AFTER pods,
  ADD COLUMN IF NOT EXISTS temperature Nullable(Float32) CODEC(ZSTD(1)) COMMENT 'Degrees Celsius' AFTER clock_mhz,
  ADD COLUMN IF NOT EXISTS slowdown Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'NVML bits of why the clock is held down, 0 = it is not' AFTER temperature;

ALTER TABLE deployments
  ADD COLUMN IF NOT EXISTS pods Array(String) COMMENT 'Kubernetes pods that are its replicas, namespace/name, * for anything' AFTER recorded_at,
  ADD COLUMN IF NOT EXISTS gpu_share Float64 DEFAULT 1 COMMENT 'Part of each of its GPUs that it is given, where several deployments name one GPU' AFTER pods;

ALTER TABLE gpu_rates
  ADD COLUMN IF NOT EXISTS kwh_of_week Array(Decimal(18, 12)) COMMENT 'Tariff times PUE by hour of the week from Monday 00:00, empty = usd_per_kwh' AFTER gpu_w,
  ADD COLUMN IF NOT EXISTS zone LowCardinality(String) COMMENT 'Time zone of kwh_of_week' AFTER kwh_of_week,
  ADD COLUMN IF NOT EXISTS others_share Float64 COMMENT 'Part of the bill that tenants without a GPU take of the nodes' AFTER zone;
