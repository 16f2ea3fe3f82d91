-- Owned hardware pays for its power apart: by the measured counter, or by an expected power.

ALTER TABLE gpu_rates
  ADD COLUMN IF NOT EXISTS usd_per_kwh Decimal(18, 12) COMMENT 'Tariff times PUE; 0 = power is in the rate' AFTER recorded_at,
  ADD COLUMN IF NOT EXISTS host_w Float64 COMMENT 'Watts of the hosts of the pool beside their GPUs' AFTER usd_per_kwh,
  ADD COLUMN IF NOT EXISTS gpu_w Nullable(Float64) COMMENT 'Expected watts of a GPU, where no counter measures it' AFTER host_w;
