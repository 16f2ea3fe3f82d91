#!/bin/sh
# Make the user with which Grafana reads: one database, read-only, with limits. ClickHouse runs this when its volume is new.
# max_execution_time may be changed by readers, because Grafana's driver sends it with every query.
set -eu
hash=$(tr -d '\n' </run/secrets/reader_password | sha256sum | cut -d' ' -f1)
clickhouse-client --user "$CLICKHOUSE_USER" --password "$(cat "$CLICKHOUSE_PASSWORD_FILE")" --multiquery <<SQL
CREATE SETTINGS PROFILE IF NOT EXISTS breakeven_reading SETTINGS readonly = 1, max_execution_time = 30 CHANGEABLE_IN_READONLY,
  max_result_rows = 100000, result_overflow_mode = 'throw', max_memory_usage = 4000000000;
CREATE USER IF NOT EXISTS breakeven_read IDENTIFIED WITH sha256_hash BY '$hash' SETTINGS PROFILE breakeven_reading;
CREATE QUOTA IF NOT EXISTS breakeven_reading FOR INTERVAL 1 minute MAX queries = 3000, execution_time = 600 TO breakeven_read;
GRANT SELECT ON breakeven.* TO breakeven_read;
SQL
