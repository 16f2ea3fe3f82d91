"""Questions of DuckDB over Parquet files read into a table of its own; runs in a Python that has duckdb."""

import json
import statistics
import sys
import time
from decimal import Decimal

import duckdb

asked = json.load(sys.stdin)
db = duckdb.connect()
files = f"{asked['folder']}/*.parquet"
db.execute('CREATE TABLE came AS SELECT * FROM read_parquet(?) ORDER BY "at"', [files])
db.execute('CREATE TABLE requests AS SELECT CAST("at" AS TIMESTAMP) AS "at", * EXCLUDE ("at") FROM came')
out = {"version": duckdb.__version__, "seconds": {}, "answers": {}}
for name, text in asked["questions"].items():
    seconds = []
    for _ in range(asked["rounds"] + 1):
        begun = time.perf_counter()
        rows = db.execute(text).fetchall()
        seconds.append(time.perf_counter() - begun)
    out["seconds"][name] = statistics.median(seconds[1:])
    out["answers"][name] = [[float(v) if isinstance(v, (int, float, Decimal)) else str(v) for v in row] for row in rows]
print(json.dumps(out))
