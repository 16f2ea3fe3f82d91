"""Dashboard definitions: loaded and checked once; knows nothing of Grafana or HTML."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from ledger.errors import ConfigError
from ledger.sqlfile import sql

NAMES = ("overview", "api", "gpu")
DRAWS = ("stat", "banner", "lines", "bars", "ranking", "table")
RISING = ("", "bad", "good", "neutral")
PLACES = {"from", "to", "as_of", "bucket"}
"""Places of a statement that the reader fills; every other one is a variable."""
_PLACE = re.compile(r"\{(\w+):")
_SPAN = re.compile(r"(\d+)([mhdw])\Z")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: what it shows and how; its statement stands beside the definition under its name.

    `same_as`: the statement is that of another dashboard's panel, DASHBOARD.PANEL.
    """

    name: str
    id: int
    title: str
    about: str
    draw: str
    unit: str
    no_value: str = "no data"
    rising: str = ""
    bucket: str = "1h"
    stack: bool = False
    decimals: int | None = None
    thresholds: tuple[tuple[str, float], ...] = ()
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    same_as: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard: panels in rows; a text among the rows is a heading."""

    name: str
    title: str
    about: str
    range: str
    refresh: str
    tags: tuple[str, ...]
    variables: tuple[str, ...]
    rows: tuple[str | tuple[str, ...], ...]
    panels: dict[str, Panel]


@cache
def vocabulary() -> dict[str, Any]:
    """Return units, colours and shared mappings."""
    return tomllib.loads(files("dashboards").joinpath("vocabulary.toml").read_text("utf-8"))


@cache
def variables() -> dict[str, Any]:
    """Return the definitions of variables."""
    return tomllib.loads(files("dashboards").joinpath("variables", "variables.toml").read_text("utf-8"))


@cache
def dashboard(name: str) -> Dashboard:
    """Return a dashboard; raises ConfigError naming dashboard, panel and key for what cannot be shown."""
    if name not in NAMES:
        raise ConfigError(f"dashboard {name!r}: not one of {', '.join(NAMES)}")
    text = files("dashboards").joinpath(name, "dashboard.toml").read_text("utf-8")
    return parse(name, tomllib.loads(text))


def parse(name: str, table: dict[str, Any]) -> Dashboard:
    """Turn a definition into a Dashboard; raises ConfigError."""
    panels = {key: _panel(name, key, value) for key, value in table["panels"].items()}
    rows = tuple(row if isinstance(row, str) else tuple(row) for row in table["rows"])
    shown = {cell for row in rows if not isinstance(row, str) for cell in row}
    if shown != set(panels):
        raise ConfigError(f"{name}: rows and panels differ in {', '.join(sorted(shown ^ set(panels)))}")
    ids = [panel.id for panel in panels.values()]
    if len(set(ids)) < len(ids):
        raise ConfigError(f"{name}: a panel id is used twice")
    unknown = set(table["variables"]) - set(variables())
    if unknown:
        raise ConfigError(f"{name}: variables {', '.join(sorted(unknown))} are not defined")
    return Dashboard(
        name, table["title"], table["about"], table["range"], table["refresh"], tuple(table["tags"]),
        tuple(table["variables"]), rows, panels,
    )  # fmt: skip


def seconds(text: str) -> int:
    """Return the seconds of a span such as 5m, 1h, 30d; raises ConfigError."""
    found = _SPAN.match(text)
    if not found:
        raise ConfigError(f"{text!r} is not a span such as 5m, 1h or 30d")
    return int(found[1]) * _SECONDS[found[2]]


def statement(name: str, panel: str) -> str:
    """Return the statement of a panel."""
    place, key = source(name, panel)
    return sql(place, key)


def source(name: str, panel: str) -> tuple[str, str]:
    """Return where the statement of a panel stands: package and file name."""
    other, _, key = dashboard(name).panels[panel].same_as.partition(".")
    return f"dashboards.{other or name}", key or panel


def places(text: str) -> set[str]:
    """Return the names of a statement's places."""
    return set(_PLACE.findall(text))


def _panel(dashboard_name: str, name: str, table: dict[str, Any]) -> Panel:
    at = f"{dashboard_name}.{name}"
    known = set(Panel.__slots__) - {"name"}
    for key in table:
        if key not in known:
            raise ConfigError(f"{at}.{key}: unknown key; known: {', '.join(sorted(known))}")
    missing = {"id", "title", "about", "draw", "unit"} - set(table)
    if missing:
        raise ConfigError(f"{at}: {', '.join(sorted(missing))} missing")
    for key, allowed in (("draw", DRAWS), ("unit", tuple(vocabulary()["units"])), ("rising", RISING)):
        if table.get(key, "") not in (*allowed, "") or (key != "rising" and not table[key]):
            raise ConfigError(f"{at}.{key}: {table[key]!r} is not one of {', '.join(allowed)}")
    given = {
        **table,
        "thresholds": tuple((word, float(limit)) for word, limit in table.get("thresholds", [])),
    }
    return Panel(name=name, **given)
