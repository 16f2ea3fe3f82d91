-- The stored requests as they are, in memory: what the engine's own limit is measured from.
CREATE TABLE raw_memory ENGINE = Memory AS SELECT * FROM requests LIMIT {rows:UInt64}
