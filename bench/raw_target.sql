-- A table like requests, empty.
CREATE TABLE raw_target AS requests
