-- Remember one applied migration.
INSERT INTO schema_migrations SELECT {number:UInt32}, {name:String}, {sha256:String}, {ver:UInt64}
