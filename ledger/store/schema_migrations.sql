-- Applied migrations.
SELECT number, sha256 FROM schema_migrations FINAL ORDER BY number
