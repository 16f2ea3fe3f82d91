-- Where the bare walk over spans puts what it found.
CREATE TABLE walked (trace String, span String, at DateTime64(3, 'UTC'), model LowCardinality(String), id String, input Int64, output Int64, read Int64, ver UInt64)
ENGINE = MergeTree ORDER BY at
