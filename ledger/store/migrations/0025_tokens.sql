-- Access tokens of the service: only their hashes are kept; a change is a new row, the latest one holds.

CREATE TABLE IF NOT EXISTS tokens (
  id String COMMENT 'Public part of the token: names it in lists',
  role LowCardinality(String) COMMENT 'ingest, read, sql or admin',
  note String COMMENT 'What it is for, as its maker said',
  sha256 FixedString(64) COMMENT 'Hash of the whole token: 32 random bytes need no slow hash',
  created_at DateTime64(3, 'UTC') COMMENT 'When it was made',
  expires_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it ends, NULL = never',
  revoked UInt8 COMMENT '1 = taken back',
  ver UInt64 COMMENT 'Order of writing, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY id
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Access tokens, hashed';

CREATE TABLE IF NOT EXISTS token_uses (
  id String COMMENT 'Token',
  day Date COMMENT 'Day on which it was used, UTC',
  ver UInt64 COMMENT 'Order of writing, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (id, day)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Days on which tokens were used';
