-- The table that remembers which migrations a store has.
CREATE TABLE IF NOT EXISTS schema_migrations (
  number UInt32 COMMENT 'Number of the migration',
  name String COMMENT 'Name of its file',
  sha256 String COMMENT 'Hash of its text when it was applied',
  ver UInt64 COMMENT 'When, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY number COMMENT 'Applied migrations'
