-- Alerts: what rules read, what became of each alert, what was to be sent, and what people muted.
-- Signals held only the latest value before; they are written anew by the jobs, so nothing is lost with the old table.

DROP TABLE IF EXISTS signals;

CREATE TABLE IF NOT EXISTS signals (
  rule LowCardinality(String) COMMENT 'Rule, or name of a value that no rule reads',
  series String COMMENT 'Labels as k=v,k=v in their order: the sort key',
  at DateTime('UTC') COMMENT 'End of the complete period that the value speaks of',
  labels Map(String, String) COMMENT 'Of what',
  value Float64 COMMENT 'Value; what is unknown has no row',
  figures Map(String, Float64) COMMENT 'Numbers for the text of an alert',
  ver UInt64 COMMENT 'Order of writing, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (rule, series, at)
TTL at + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Values that jobs write and alert rules read';

CREATE TABLE IF NOT EXISTS alerts (
  rule LowCardinality(String) COMMENT 'Rule',
  series String COMMENT 'Labels as k=v,k=v in their order',
  changed_at DateTime64(3, 'UTC') COMMENT 'When it came into this state',
  labels Map(String, String) COMMENT 'Labels of the instance',
  state LowCardinality(String) COMMENT 'normal, pending, firing, recovering, nodata, error; forgotten ends an instance',
  reason LowCardinality(String) COMMENT 'Why without a value of its own: NoData, Error, MissingSeries, Updated',
  starts_at DateTime64(3, 'UTC') COMMENT 'Beginning of the state, as Grafana tells it',
  ends_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Until when a firing one holds if nobody looks again',
  fired_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Beginning of the episode that is told outside',
  last_seen DateTime64(3, 'UTC') COMMENT 'Last look that had a row of it',
  value Float64 COMMENT 'Value at the last look, -1 without one',
  figures Map(String, Float64) COMMENT 'Numbers for its text',
  summary String COMMENT 'What it says',
  rule_hash String COMMENT 'Definition that it was judged by',
  told_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was last handed to the channels as firing',
  told_value Nullable(Float64) COMMENT 'Its value then',
  acknowledged_by String COMMENT 'Who said that they know; empty',
  ver UInt64 COMMENT 'Order of writing, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (rule, series, changed_at)
TTL toDateTime(changed_at) + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Every alert instance, a row a state it was in';

CREATE TABLE IF NOT EXISTS notifications (
  channel LowCardinality(String) COMMENT 'Channel',
  key String COMMENT 'What makes it one notification: fingerprint, beginning, status, repetition',
  created_at DateTime64(3, 'UTC') COMMENT 'When it was due',
  rule LowCardinality(String) COMMENT 'Rule',
  status LowCardinality(String) COMMENT 'firing or resolved',
  alerts String COMMENT 'The alerts in it, JSON',
  state LowCardinality(String) COMMENT 'waiting, sent, given_up',
  attempts UInt32 COMMENT 'How often it was tried',
  next_at DateTime64(3, 'UTC') COMMENT 'When it is tried next',
  done_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was sent or given up',
  answer String COMMENT 'What the channel answered last, without secrets',
  ver UInt64 COMMENT 'Order of writing, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (channel, key)
TTL toDateTime(created_at) + INTERVAL 100 DAY
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What was to be sent to whom, and what became of it';

CREATE TABLE IF NOT EXISTS mutes (
  rule LowCardinality(String) COMMENT 'Rule',
  since DateTime64(3, 'UTC') COMMENT 'When it was muted',
  until DateTime64(3, 'UTC') COMMENT 'Until when nothing of it is sent',
  reason String COMMENT 'Why',
  ver UInt64 COMMENT 'Order of writing, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (rule, since)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Rules that people muted for a while';

CREATE VIEW IF NOT EXISTS v_alerts AS
SELECT rule, series, changed_at, labels, state, reason, starts_at, ends_at, fired_at, last_seen, value, figures, summary, rule_hash, told_at, told_value, acknowledged_by FROM alerts FINAL;
