-- Drop one whole month of GPU samples.
ALTER TABLE gpu_samples DROP PARTITION {month:String}
