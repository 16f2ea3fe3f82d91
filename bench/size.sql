-- Bytes on disk and rows of requests, and of their longest column, the provider's id, which is kept for 30 days.
SELECT sum(rows) AS rows, sum(bytes_on_disk) AS bytes,
  (SELECT sum(column_data_compressed_bytes) FROM system.parts_columns WHERE database = currentDatabase() AND table = 'requests' AND active AND column = 'event_key') AS ids
FROM system.parts WHERE database = currentDatabase() AND table = 'requests' AND active
