-- Lines of a log in memory, for parsing them and nothing else.
CREATE TABLE raw_lines (line String) ENGINE = Memory
