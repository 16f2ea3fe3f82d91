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

NAMES = ("overview", "api", "gpu", "workload", "health")
DRAWS = ("stat", "banner", "lines", "bars", "ranking", "table", "states", "history", "grid", "curve", "text")
RISING = ("", "bad", "good", "neutral")
PLACES = {"from", "to", "as_of", "bucket"}
"""Places of a statement that the reader fills; every other one is a variable."""
_PLACE = re.compile(r"\{(\w+):([^{}]+)\}")
_SPAN = re.compile(r"(\d+)([mhdw])\Z")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: what it shows and how; its statement stands beside the definition under its name.

    `same_as`: the statement is that of another dashboard's panel, DASHBOARD.PANEL. `codes`: the mapping whose words, in
    their order, the numbers 1, 2, 3 … of a states or history panel stand for. A text panel has a Markdown file instead.
    `points`: how many buckets are drawn at most, 0 = as many as there is room for.
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
    points: int = 0
    stack: bool = False
    decimals: int | None = None
    thresholds: tuple[tuple[str, float], ...] = ()
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    same_as: str = ""
    codes: str = ""
    height: int = 0
    links: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard: panels in rows; a text among the rows is a heading.

    `single`: variables of which one value is chosen, not several or all.
    """

    name: str
    title: str
    about: str
    range: str
    refresh: str
    tags: tuple[str, ...]
    variables: tuple[str, ...]
    rows: tuple[str | tuple[str, ...], ...]
    panels: dict[str, Panel]
    single: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()


@cache
def vocabulary() -> dict[str, Any]:
    """Return units, colours and shared mappings."""
    return tomllib.loads(files("dashboards").joinpath("vocabulary.toml").read_text("utf-8"))


@cache
def variables() -> dict[str, Any]:
    """Return the definitions of variables."""
    return tomllib.loads(files("dashboards").joinpath("variables", "variables.toml").read_text("utf-8"))


@cache
def marks() -> dict[str, Any]:
    """Return the definitions of annotations."""
    return tomllib.loads(files("dashboards").joinpath("annotations", "annotations.toml").read_text("utf-8"))


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
    for key, known in (("variables", variables()), ("annotations", marks())):
        unknown = set(table.get(key, [])) - set(known)
        if unknown:
            raise ConfigError(f"{name}: {key} {', '.join(sorted(unknown))} are not defined")
    return Dashboard(
        name, table["title"], table["about"], table["range"], table["refresh"], tuple(table["tags"]),
        tuple(table["variables"]), rows, panels, tuple(table.get("single", [])), tuple(table.get("annotations", [])),
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


def words(name: str, panel: str) -> str:
    """Return the Markdown of a text panel."""
    return files("dashboards").joinpath(name, f"{panel}.md").read_text("utf-8")


def places(text: str) -> dict[str, str]:
    """Return the places of a statement: name → type."""
    return dict(_PLACE.findall(text))


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
    if table["draw"] in ("states", "history") and table.get("codes", "") not in vocabulary()["mappings"]:
        raise ConfigError(f"{at}.codes: not one of {', '.join(vocabulary()['mappings'])}")
    for link in table.get("links", []):
        if link.get("to") not in NAMES or "title" not in link:
            raise ConfigError(f"{at}.links: a link has a title and to = one of {', '.join(NAMES)}")
    given = {
        **table,
        "links": tuple(table.get("links", [])),
        "thresholds": tuple((word, float(limit)) for word, limit in table.get("thresholds", [])),
    }
    return Panel(name=name, **given)
