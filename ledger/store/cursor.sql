-- One cursor.
SELECT value FROM source_state FINAL WHERE source = {source:String} AND name = {name:String}
