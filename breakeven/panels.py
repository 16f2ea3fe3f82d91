"""The show command: a dashboard or one of its panels in the terminal, with the same figures as the page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from breakeven import show
from breakeven.answers import moment
from breakeven.command import Json, opened, print_json, wants_json
from dashboards import page, panel
from ledger.errors import ConfigError
from ledger.units import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboards.panel import Panel

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDTH = 60
"""Points of a line in the terminal."""


def show_command(
    what: Annotated[
        str, typer.Argument(help="DASHBOARD or DASHBOARD/PANEL.", metavar="DASHBOARD[/PANEL]")
    ] = "overview",
    since: Annotated[str, typer.Option(help="Begin: 30d, 12h, a date, ISO text; else the dashboard's own.")] = "",
    until: Annotated[str, typer.Option(help="End; else now.")] = "",
    var: Annotated[list[str] | None, typer.Option(help="A variable as NAME=VALUE; again for more values.")] = None,
    as_json: Json = False,
) -> None:
    """Draw a dashboard in the terminal: overview, api, gpu, workload, health, or one panel of it.

    The figures are those of the page and of Grafana, from the same statements. `breakeven show workload --var
    workload=support-bot` shows one workload; --json prints fields and columns.
    """
    name, _, only = what.partition("/")
    board = panel.dashboard(name)
    if only and only not in board.panels:
        raise ConfigError(f"{what}: not a panel of {name}: {', '.join(board.panels)}")
    with opened() as service:
        service.tick()
        now = service.now()
        end = moment(until, end=True) or now
        start = moment(since) or end - timedelta(seconds=panel.seconds(board.range))
        variables = _variables(var or [], service.store, name)
        found = {
            key: page.answer(
                service.store, name, key, start=start, end=end, as_of=now, width=2 * _WIDTH, variables=variables
            )
            for key in ([only] if only else board.panels) if board.panels[key].draw != "text"
        }  # fmt: skip
    if wants_json(as_json):
        print_json(found[only] if only else {"dashboard": name, "panels": found})
        return
    for row in [(only,)] if only else board.rows:
        if isinstance(row, str):
            show.console.print(f"\n{row}", style="bold underline")
            continue
        for key in dict.fromkeys(row):
            if key in found:
                _DRAWS[board.panels[key].draw](board.panels[key], found[key])
            else:
                show.say(panel.words(name, key).strip())
    scope = next(iter(found.values()))["scope"] if found else ""
    show.say(f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} · {scope}")


def _variables(given: list[str], store: Any, name: str) -> dict[str, list[str]]:
    """Return the chosen values; a variable of which one must be chosen has its first where none is."""
    board = panel.dashboard(name)
    out: dict[str, list[str]] = {}
    for one in given:
        key, equals, value = one.partition("=")
        if not equals or key not in board.variables:
            raise ConfigError(f"--var {one}: write NAME=VALUE with one of {', '.join(board.variables) or 'none'}")
        out.setdefault(key, []).append(value)
    for key in board.single:
        options = page.options(store, key)
        if key not in out and options:
            out[key] = options[:1]
    return out


def _stat(one: Panel, data: dict[str, Any]) -> None:
    values = data["columns"][1] if data["columns"] else []
    if not values or values[-1] is None:
        show.say(f"{one.title}: {one.no_value}")
        return
    names = [field["name"] for field in data["fields"]]
    least = "≥ " if "lower_bound" in names and data["columns"][names.index("lower_bound")][-1] else ""
    change = ""
    if len(values) > 1 and values[0]:
        ratio = (values[-1] - values[0]) / abs(values[0])
        change = f"  {'▲' if ratio > 0 else '▼'} {abs(ratio):.1%} on the period before"
    show.say(f"{one.title}: {least}{shown(values[-1], one.unit)}{change}")


def _table(one: Panel, data: dict[str, Any]) -> None:
    if not data["rows"]:
        show.say(f"{one.title}: {one.no_value}")
        return
    fields = data["fields"]
    heads = [f"{f.get('title', f['name'])}{'>' * (f['type'] == 'number')}" for f in fields]
    columns = [[_cell(field, value) for value in column] for field, column in zip(fields, data["columns"], strict=True)]
    show.table(one.title, heads, [list(row) for row in zip(*columns, strict=True)])


def _cell(field: dict[str, Any], value: Any) -> str:
    if field["type"] == "time":
        return "–" if value is None else f"{_instant(value):%Y-%m-%d %H:%M}"
    if field.get("mapping") and value:
        return str(panel.vocabulary()["mappings"][field["mapping"]].get(value, [value])[0])
    return shown(value, field["unit"])


def _banner(one: Panel, data: dict[str, Any]) -> None:
    if not data["rows"]:
        show.say(f"{one.title}: {one.no_value}")
        return
    show.console.print(one.title, style="bold")
    for field, column in zip(data["fields"], data["columns"], strict=True):
        text = _cell(field, column[0])
        if text != "–":
            show.say(f"  {field.get('title', field['name'])}: {text}")


def _lines(one: Panel, data: dict[str, Any]) -> None:
    series = [
        (f, c) for f, c in zip(data["fields"][1:], data["columns"][1:], strict=True) if any(v is not None for v in c)
    ]
    if not series:
        show.say(f"{one.title}: {one.no_value}")
        return
    rows = []
    for field, column in series:
        known = [v for v in column if v is not None]
        title = field.get("title", field["name"])
        rows.append([title, sparkline(column), *(shown(v, one.unit) for v in (known[-1], min(known), max(known)))])
    show.table(one.title, ["", "", "last>", "min>", "max>"], rows)


def sparkline(column: list[float | None], width: int = _WIDTH) -> str:
    """Return a line of blocks from 0 (or the least below it) to the highest; an empty place where nothing is known."""
    step = max(1, -(-len(column) // width))
    parts = [[v for v in column[at : at + step] if v is not None] for at in range(0, len(column), step)]
    means = [sum(part) / len(part) if part else None for part in parts]
    known = [mean for mean in means if mean is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    scale = (len(_BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(" " if mean is None else _BLOCKS[round((mean - low) * scale)] for mean in means)


def _lanes(one: Panel, data: dict[str, Any]) -> None:
    if not data["rows"]:
        show.say(f"{one.title}: {one.no_value}")
        return
    words = [word for word, _ in panel.vocabulary()["mappings"][one.codes].values()]
    rows, seen = [], set()
    for field, column in zip(data["fields"][1:], data["columns"][1:], strict=True):
        step = max(1, -(-len(column) // _WIDTH))
        codes = [column[min(at + step, len(column)) - 1] for at in range(0, len(column), step)]
        seen |= {code for code in codes if code}
        rows.append([field.get("title", field["name"]), "".join(str(code) if code else "·" for code in codes)])
    caption = ", ".join(f"{code} {words[code - 1]}" for code in sorted(seen))
    show.table(one.title, ["", ""], rows, caption)


def _ranking(one: Panel, data: dict[str, Any]) -> None:
    if not data["rows"]:
        show.say(f"{one.title}: {one.no_value}")
        return
    names, values = data["columns"]
    most = max(values) or 1
    rows = [[n, "█" * max(1, round(30 * v / most)), shown(v, one.unit)] for n, v in zip(names, values, strict=True)]
    show.table(one.title, ["", "", ">"], rows)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


_DRAWS: dict[str, Callable[[Panel, dict[str, Any]], None]] = {
    "stat": _stat, "table": _table, "grid": _table, "curve": _table, "banner": _banner, "lines": _lines,
    "bars": _lines, "states": _lanes, "history": _lanes, "ranking": _ranking,
}  # fmt: skip
