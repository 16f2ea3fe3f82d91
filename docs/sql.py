"""Write docs/sql.md: the documented views with what each column says, and worked queries with what the demo answers."""

from __future__ import annotations

import sys
import tempfile
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from breakeven import demo, show
from breakeven.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

AS_OF = datetime(2026, 11, 25, tzinfo=UTC)
QUERIES = tomllib.loads(Path(__file__).with_name("queries.toml").read_text("utf-8"))
HEAD = """# SQL: the documented views

`breakeven sql "SELECT …"`, `POST /api/v1/query` and Grafana read these views. Their names and columns are a contract:
they stay. Reading is all that can be done: one SELECT, at most 100,000 rows, 50 MB and 30 seconds; files, addresses and
other databases are out of reach. Values go in by name and are never pasted: `{day:Date}`, `--param day=2026-11-20`.

    breakeven sql "SELECT day, sum(usd) AS usd FROM v_cost_daily GROUP BY day ORDER BY day" --format csv --out days.csv
    curl -s localhost:8400/api/v1/query -H 'Content-Type: application/json' \\
      -d '{"sql": "SELECT count() AS n FROM v_requests WHERE side = {side:String}", "parameters": {"side": "api"}}'

Answers come as a table, JSON, CSV, Parquet or Arrow (`--format`, `"format"`). Money is USD with 12 decimals, instants
are UTC, unknown is NULL. `breakeven cost` answers most questions about money without SQL, over any time zone.

What follows is made by `make sql`: the columns are read from the store, the answers are those of
`breakeven demo --as-of 2026-11-25 --keep demo --no-serve`.
"""


def filled(folder: str) -> Service:
    """Return the demo of the day of the docs, evaluated and reconciled."""
    settings = demo.config(AS_OF)
    service = Service.open(settings, folder)
    service.demo, service.at = True, AS_OF
    demo.fill(service.store, service.prices, settings, AS_OF)
    service.tick()
    service.evaluate()
    service.reconcile(AS_OF - timedelta(days=demo.DAYS), AS_OF)
    return service


def page(service: Service) -> str:
    """Return the whole page."""
    columns: dict[str, list[dict[str, Any]]] = {}
    for row in service.store.ask("breakeven", "view_columns"):
        columns.setdefault(row["view"], []).append(row)
    parts = [HEAD]
    for view, given in QUERIES.items():
        parts += [f"## {view}\n\n{given['about']}\n", _columns(columns[view])]
        parts += [shown(service, query) for query in given["query"]]
    parts.append("## Other views\n")
    parts += [f"### {view}\n\n{_columns(rows)}" for view, rows in columns.items() if view not in QUERIES]
    return "\n".join(parts)


def _columns(rows: list[dict[str, Any]]) -> str:
    lines = [f"| `{row['name']}` | {row['type'].replace('|', chr(92) + '|')} | {row['comment']} |" for row in rows]
    return "\n".join(["| column | type | says |", "|---|---|---|", *lines, ""])


def shown(service: Service, query: dict[str, Any]) -> str:
    """Return a query with its values and its answer."""
    names, rows = service.store.read(query["sql"], query.get("values", {}))
    values = "".join(f" --param {name}='{value}'" for name, value in query.get("values", {}).items())
    given = f"\nWith{values}.\n" if values else ""
    table = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names), *_cells(rows)]
    return f"**{query['title']}**\n\n```sql\n{query['sql'].strip()}\n```\n{given}\n" + "\n".join(table) + "\n"


def _cells(rows: list[tuple[Any, ...]]) -> Iterator[str]:
    for row in rows:
        yield "| " + " | ".join("–" if value is None else str(show.plain(value)) for value in row) + " |"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, filled(folder) as service:
        Path(sys.argv[1]).write_text(page(service), "utf-8")
