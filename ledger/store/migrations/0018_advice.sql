-- Advice that is remembered: one state a workload and day, and what people said to it.

CREATE TABLE IF NOT EXISTS advice (
  day Date COMMENT 'Complete UTC day up to which it speaks',
  workload LowCardinality(String) COMMENT 'Workload',
  event LowCardinality(String) COMMENT 'Empty for the state of a day; acknowledged or switched where a person said so',
  state LowCardinality(String) COMMENT 'insufficient, steady, watch, recommend, acknowledged, clear',
  candidate String COMMENT 'What is advised: label, deployment and replicas, between |',
  regret Float64 COMMENT 'What staying has cost so far beyond moving, USD; it never falls below 0',
  memory String COMMENT 'What the next day needs to know, JSON',
  transitions String COMMENT 'Changes of state on this day, with their reasons, JSON',
  facts String COMMENT 'Forecast that a person accepted, JSON',
  ver UInt64 COMMENT 'Order of writing, nanoseconds'
) ENGINE = ReplacingMergeTree(ver) ORDER BY (workload, day, event)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'State of the advice by workload and day';

CREATE VIEW IF NOT EXISTS v_advice AS
SELECT day, workload, event, state, candidate, regret, memory, transitions, facts FROM advice FINAL;
