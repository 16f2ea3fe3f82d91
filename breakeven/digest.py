"""The week in a page: spend of both sides, idle money, what advice changed, who moved, what to do."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from alerts.message import FOLDER, NEVER, Message, Told, fingerprint
from breakeven.alerting import Alerting
from dashboards import page, panel
from ledger.units import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from breakeven.service import Service

WEEK = timedelta(days=7)
HOUR = 8
"""Hour of Monday (UTC) from which the week before is told."""
STATS = ("spend_api", "spend_own", "idle_per_day", "saving", "to_switch", "unpriced")
AS_IS = ("saving", "to_switch")
"""Stats that are told as they are now, not as they were at the end of the week."""
MOVERS = 5


@dataclass(frozen=True, slots=True)
class Section:
    """One part: a heading, lines, and a table of texts under heads; a part without anything says so."""

    title: str
    lines: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Digest:
    """A week of the ledger."""

    start: datetime
    end: datetime
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        """The week in a line."""
        return f"breakeven, week of {self.start:%Y-%m-%d}"

    def text(self) -> str:
        """Return the digest as plain lines."""
        out = [self.title]
        for one in self.sections:
            out += ["", one.title, *(f"  {line}" for line in one.lines)]
            out += [f"  {' · '.join(row)}" for row in one.rows]
        return "\n".join(out)

    def page(self) -> str:
        """Return the digest as one HTML file that asks for nothing from elsewhere."""
        parts = []
        for one in self.sections:
            lines = "".join(f"<p>{html.escape(line)}</p>" for line in one.lines)
            heads = "".join(f'<th scope="col">{html.escape(head)}</th>' for head in one.heads)
            rows = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in one.rows)
            table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>" if one.rows else ""
            parts.append(f"<h2>{html.escape(one.title)}</h2>{lines}{table}")
        return _PAGE.replace("TITLE", html.escape(self.title)).replace("BODY", "\n".join(parts))

    def message(self, base_url: str) -> Message:
        """Return the digest as channels tell it, once a week."""
        labels = {"alertname": self.title, "severity": "info", "product": "breakeven", "group": "digest",
                  "grafana_folder": FOLDER, "__alert_rule_uid__": "be-digest"}  # fmt: skip
        starts = f"{self.end:%Y-%m-%dT%H:%M:%SZ}"
        one = Told("firing", labels, {"summary": self.text(), "description": ""}, starts, NEVER, {"value": 1.0},
                   fingerprint("digest", labels), "overview", "verdicts")  # fmt: skip
        return Message("digest", self.title, "info", "firing", (one,), f"digest-{self.start:%Y-%m-%d}", base_url)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>TITLE</title><style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 900px; margin: 24px auto; padding: 0 16px; color: #1b1f24; }
h2 { font-size: 16px; margin: 24px 0 6px; } p { margin: 3px 0; } table { border-collapse: collapse; font-size: 14px; }
th, td { text-align: left; padding: 4px 14px 4px 0; border-bottom: 1px solid #d8dee4; vertical-align: top; }
</style></head><body><h1>TITLE</h1>
BODY
</body></html>
"""


def week_before(now: datetime) -> tuple[datetime, datetime]:
    """Return the last complete week (Monday to Monday, UTC) before an instant."""
    monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    return monday - WEEK, monday


def due(now: datetime) -> bool:
    """Say whether the week before is to be told now: on Mondays from eight o'clock on."""
    return now.weekday() == 0 and now.hour >= HOUR


def digest(service: Service, start: datetime, end: datetime) -> Digest:
    """Return the digest of a span, held against the span before it; the figures are the page's."""
    now = max(end, service.now())  # verdicts and GPUs are told as they are

    def ask(board: str, key: str, until: datetime = end) -> list[dict[str, Any]]:
        data = page.answer(service.store, board, key, start=start, end=until, as_of=until)
        names = [field["name"] for field in data["fields"]]
        return [dict(zip(names, row, strict=True)) for row in zip(*data["columns"], strict=True)]

    money = tuple(_stat(key, ask("overview", key, now if key in AS_IS else end)) for key in STATS)
    columns = ("workload", "current", "verdict", "saving_usd_month", "flips_at")
    verdicts = _table("overview", "verdicts", ask("overview", "verdicts", now), columns)
    movers = sorted(ask("api", "workload_model"), key=lambda row: -abs((row["change"] or 0) * (row["cost"] or 0)))
    idle = _table(
        "gpu", "nodes", ask("gpu", "nodes", now)[:MOVERS], ("device", "deployment", "now", "unused_per_day_7d")
    )
    heads = {
        "verdicts": ("Workload", "Now", "Verdict", "Saving a month", "Flips at"),
        "movers": ("Workload", "Model", "Cost", "Change"), "idle": ("GPU", "Serves", "Now", "Unused a day"),
    }  # fmt: skip
    moved = _table("api", "workload_model", movers[:MOVERS], ("workload", "model", "cost", "change"))
    to_do = tuple(f"{row['summary']}. {row['advice']}" for row in Alerting(service).states())
    sections = (
        Section("Money, against the week before", money),
        Section(
            "Verdicts", () if verdicts else ("No verdict yet: declare [workloads.NAME].",), heads["verdicts"], verdicts
        ),
        Section("API spend that moved most", () if moved else ("No API usage.",), heads["movers"], moved),
        Section("GPUs with the most unused money", () if idle else ("No GPU is paid for.",), heads["idle"], idle),
        Section("What to do", to_do or ("Nothing fires.",)),
    )
    return Digest(start, end, sections)


def _stat(key: str, rows: Sequence[dict[str, Any]]) -> str:
    """Return a stat as a line: its figure, and the change on the week before where that is known."""
    one = panel.dashboard("overview").panels[key]
    values = [row["value"] for row in rows]
    if not values or values[-1] is None:
        return f"{one.title}: {one.no_value}"
    least = "≥ " if rows[-1].get("lower_bound") else ""
    change = f", {values[-1] / values[0] - 1:+.1%}" if len(values) > 1 and values[0] else ""
    return f"{one.title}: {least}{shown(values[-1], one.unit)}{change}"


def _table(board: str, key: str, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    fields = panel.dashboard(board).panels[key].fields
    words = panel.vocabulary()["mappings"]

    def cell(name: str, value: Any) -> str:
        mapping = fields[name].get("mapping")
        if mapping and value:
            return str(words[mapping].get(value, [value])[0])
        return shown(value, fields[name].get("unit", "text"))

    return tuple(tuple(cell(name, row[name]) for name in columns) for row in rows)
