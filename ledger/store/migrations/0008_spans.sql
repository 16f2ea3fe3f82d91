-- How spans of recent traces hang together: a wrapper and the call inside it may come in different requests.

CREATE TABLE IF NOT EXISTS span_links (
  trace String COMMENT 'Trace id, hex',
  span String COMMENT 'Span id, hex',
  parent String COMMENT 'Span id of the parent, empty for a root',
  at DateTime64(3, 'UTC') COMMENT 'Start of the span',
  event_key String COMMENT 'Request that the span became, empty if it is none',
  provider LowCardinality(String) COMMENT 'Provider of that request',
  model LowCardinality(String) COMMENT 'Model of that request',
  side LowCardinality(String) COMMENT 'Side of that request',
  has_usage UInt8 COMMENT '1 if the span carries token counts',
  ver UInt64 COMMENT 'Order of loading, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(at) ORDER BY (trace, span) TTL toDateTime(at) + INTERVAL 7 DAY
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Links between spans, kept for seven days';
