"""A panel's rows as columnar JSON: what the page and the command line draw; missing is null, never 0."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from dashboards import panel as definitions
from ledger.errors import ConfigError
from ledger.sqlfile import sql

if TYPE_CHECKING:
    from dashboards.panel import Panel
    from ledger.store import Store

BUCKETS = (60, 300, 900, 3600, 21_600, 86_400)
MAX_ROWS = 10_000
_FAR_S = 400 * 86_400


def asset(name: str) -> str:
    """Return a file of the page: page.html, page.css or page.js."""
    return files("dashboards").joinpath("assets", name).read_text("utf-8")


def definition(name: str, store: Store) -> dict[str, Any]:
    """Return a dashboard as the page reads it, with the values of its variables."""
    found = definitions.dashboard(name)
    known = {variable: definitions.variables()[variable] for variable in found.variables}
    values = {variable: options(store, variable) for variable, given in known.items() if "default" not in given}
    return {
        **asdict(found),
        "titles": {variable: given["title"] for variable, given in known.items()},
        "defaults": {variable: given["default"] for variable, given in known.items() if "default" in given},
        "words": {key: definitions.words(name, key) for key, one in found.panels.items() if one.draw == "text"},
        "colours": definitions.vocabulary()["colours"],
        "mappings": definitions.vocabulary()["mappings"],
        "options": values,
    }


def options(store: Store, variable: str) -> list[str]:
    """Return the values of a variable, whatever the others are."""
    used = definitions.places(sql("dashboards.variables", variable))
    return [row["value"] for row in store.ask("dashboards.variables", variable, **{name: [] for name in used})]


def answer(
    store: Store,
    name: str,
    panel_name: str,
    *,
    start: datetime,
    end: datetime,
    as_of: datetime,
    width: int = 800,
    variables: dict[str, list[str]] | None = None,
) -> dict[str, Any]:
    """Return one panel's data in a half-open range; raises ConfigError for what is not known."""
    board = definitions.dashboard(name)
    if panel_name not in board.panels:
        raise ConfigError(f"panel {panel_name!r}: not one of {', '.join(board.panels)}")
    panel = board.panels[panel_name]
    given = variables or {}
    unknown = set(given) - set(board.variables)
    if unknown:
        raise ConfigError(f"variable {min(unknown)!r}: not one of {', '.join(board.variables)}")
    if not start < end or (end - start).total_seconds() > 10 * _FAR_S:
        raise ConfigError("the range must begin before it ends and span less than 11 years")
    most = min(width // 2, panel.points or width)
    bucket = bucket_of((end - start).total_seconds(), most, definitions.seconds(panel.bucket))
    # Whole buckets, whole hours: a part of one would look like a dip, and money is kept by the hour.
    step = bucket if panel.draw in ("lines", "bars", "states", "history") else 3600
    start = datetime.fromtimestamp(start.timestamp() // step * step, UTC)
    if panel.draw == "text":
        raise ConfigError(f"panel {panel_name!r} is a text: it stands in the dashboard's definition")
    values: dict[str, Any] = {"from": start, "to": end, "as_of": as_of, "bucket": bucket}
    place, key = definitions.source(name, panel_name)
    rows = store.ask(place, key, **bind(definitions.places(definitions.statement(name, panel_name)), values, given))
    fields, columns = shape(panel, rows[:MAX_ROWS])
    return {
        "dashboard": name,
        "panel": panel_name,
        "from": int(start.timestamp()),
        "to": int(end.timestamp()),
        "bucket": bucket,
        "scope": scope(given),
        "fields": fields,
        "columns": columns,
        "rows": len(columns[0]) if columns else 0,
        "truncated": len(rows) > MAX_ROWS,
        "as_of": int(as_of.timestamp()),
    }


def marks(
    store: Store, name: str, *, start: datetime, end: datetime, variables: dict[str, list[str]] | None = None
) -> list[dict[str, Any]]:
    """Return what happened on a dashboard's time axis: kind, title, time and end in epoch ms, text."""
    out: list[dict[str, Any]] = []
    for kind in definitions.dashboard(name).annotations:
        given = definitions.marks()[kind]
        used = definitions.places(sql("dashboards.annotations", kind))
        rows = store.ask("dashboards.annotations", kind, **bind(used, {"from": start, "to": end}, variables or {}))
        out += [
            {"kind": kind, "title": given["title"], "colour": given["colour"], "time": _plain(row["time"]),
             "until": _plain(row.get("timeEnd")), "text": row["text"]}
            for row in rows
        ]  # fmt: skip
    return sorted(out, key=lambda mark: (mark["time"], mark["text"]))


def bind(places: dict[str, str], values: dict[str, Any], chosen: dict[str, list[str]]) -> dict[str, Any]:
    """Return what goes into each place; a variable that is not chosen stands for all, a number for its default."""
    out: dict[str, Any] = {}
    for name, kind in places.items():
        if name in values:
            out[name] = values[name]
        elif kind == "Array(String)":
            out[name] = chosen.get(name, [])
        elif kind == "String":
            out[name] = (chosen.get(name) or [""])[-1]
        else:
            given = (chosen.get(name) or [str(definitions.variables()[name]["default"])])[-1]
            try:
                out[name] = float(given)
            except ValueError:
                raise ConfigError(f"variable {name!r}: {given!r} is not a number") from None
    return out


def bucket_of(range_s: float, most: int, least: int) -> int:
    """Return the bucket in seconds for about so many points at most, not below the panel's own."""
    wanted = max(range_s / max(1, most), least)
    return next((b for b in BUCKETS if b >= wanted), BUCKETS[-1])


def scope(given: dict[str, list[str]]) -> str:
    """Say what the figures cover."""
    known = definitions.variables()
    chosen = [
        f"{name} {', '.join(values)}" for name, values in given.items() if values and "default" not in known[name]
    ]
    return " · ".join([*(chosen or ["everything"]), "allocation basis", "booked prices", "USD", "UTC"])


def shape(panel: Panel, rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """Return fields and columns; long results (time, series, value) are made wide."""
    if not rows:
        return [], []
    if panel.draw in ("lines", "bars") and "series" in rows[0]:
        return _wide(panel, rows, "series", "value")
    if panel.draw in ("states", "history"):
        return _wide(panel, rows, "lane", "value")
    names = list(rows[0])
    columns = [[_plain(row[name]) for row in rows] for name in names]
    return [_field(panel, name, column) for name, column in zip(names, columns, strict=True)], columns


def _wide(
    panel: Panel, rows: list[dict[str, Any]], by: str, value: str
) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    times = sorted({row["time"] for row in rows})
    found = {row[by] for row in rows}
    series = [name for name in panel.fields if name in found] + sorted(found - set(panel.fields))
    values = {(row["time"], row[by]): _plain(row[value]) for row in rows}
    columns: list[list[Any]] = [[_plain(t) for t in times]]
    columns += [[values.get((t, name)) for t in times] for name in series]
    fields = [
        {"name": "time", "type": "time"},
        *(_field(panel, n, c) for n, c in zip(series, columns[1:], strict=True)),
    ]
    return fields, columns


def _field(panel: Panel, name: str, column: list[Any]) -> dict[str, Any]:
    if name == "time":
        return {"name": name, "type": "time"}
    probe = next((v for v in column if v is not None), None)
    kind = "boolean" if isinstance(probe, bool) else "string" if isinstance(probe, str) else "number"
    given = panel.fields.get(name, {})
    unit = given.get("unit", panel.unit if kind == "number" else "text")
    if unit == "time":
        return {"name": name, "type": "time", **{k: v for k, v in given.items() if k != "unit"}}
    return {"name": name, "type": kind, "unit": unit, **{k: v for k, v in given.items() if k != "unit"}}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
