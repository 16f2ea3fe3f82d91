"""The chargeback command: a month's statement by team, workload or environment, as table, CSV or HTML."""

from __future__ import annotations

import csv
import html
import io
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path  # noqa: TC003 - typer reads it
from string import Template
from typing import TYPE_CHECKING, Annotated, Any

import typer

from breakeven import periods, show
from breakeven.answers import zone_of
from breakeven.command import Json, opened, print_json, wants_json
from ledger.costing import report
from ledger.costing.chargeback import RULES, UNATTRIBUTED, Billed, Direct, Statement, differences, statement
from ledger.errors import ConfigError

if TYPE_CHECKING:
    from breakeven.service import Service
    from ledger.costing.why import Period

OWNERS = ("team", "workload", "environment", "deployment")
_IDLE = {
    "gpu_headroom": "GPU headroom", "gpu_warm_idle": "idle GPUs, loaded", "gpu_unallocated": "idle GPUs, empty",
    "gpu_spare": "spare GPUs", "gpu_other_use": "GPU use that no request explains",
    "gpu_held_unknown": "GPU time not known", "gpu_unknown": "GPU time not known",
    "node_others": "other tenants of the GPU hosts",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Month:
    """A statement with what it speaks of; `unpriced_tokens` and `uncounted_attempts` have no money."""

    period: Period
    by: str
    rule: str
    found: Statement
    unpriced_tokens: int
    uncounted_attempts: int
    billed: list[Billed]

    @property
    def unknown(self) -> list[str]:
        """What is not in the lines, because nobody knows its money."""
        out = []
        if self.unpriced_tokens:
            out.append(f"{show.count(self.unpriced_tokens)} tokens have no price")
        if self.uncounted_attempts:
            out.append(f"{show.count(self.uncounted_attempts)} attempts have tokens that nobody counted")
        foreign = [f"{b.foreign_days} days of {b.provider} are billed in a currency without a rate" for b in self.billed
                   if b.foreign_days]  # fmt: skip
        return out + foreign

    def json(self) -> dict[str, Any]:
        """Return the documented shape: cents as text that add up to `bill`; exact money beside."""
        rows = [
            {self.by: line.owner, "what": line.what, "shared": line.shared, "usd": f"{cents:.2f}",
             "usd_exact": report.money(line.usd)}
            for line, cents in self.found.cents()
        ]  # fmt: skip
        return {
            "from": f"{self.period.start:%Y-%m-%dT%H:%M:%SZ}", "to": f"{self.period.end:%Y-%m-%dT%H:%M:%SZ}",
            "by": self.by, "rule": self.rule, "rows": rows, "bill": f"{self.found.bill:.2f}",
            "bill_exact": report.money(self.found.bill), "unpriced_tokens": self.unpriced_tokens,
            "uncounted_attempts": self.uncounted_attempts, "billed": [asdict(one) for one in self.billed],
        }  # fmt: skip

    def csv(self) -> str:
        """Return the statement as CSV: one line each, the bill last."""
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow(["from", "to", self.by, "what", "shared", "usd"])
        span = [f"{self.period.start:%Y-%m-%d}", f"{self.period.end:%Y-%m-%d}"]
        for line, cents in self.found.cents():
            writer.writerow([*span, _safe(line.owner), _safe(line.what), int(line.shared), f"{cents:.2f}"])
        writer.writerow([*span, "", "bill", "", f"{self.found.bill:.2f}"])
        return out.getvalue()

    def html(self) -> str:
        """Return the statement as a page of its own, without scripts, that prints."""
        owners: dict[str, Decimal] = {}
        for line, cents in self.found.cents():
            owners[line.owner] = owners.get(line.owner, Decimal(0)) + cents
        rows = []
        for owner in self.found.owners():
            name = owner or "shared, nobody's own"
            rows.append(
                f'<tr class="owner"><th scope="rowgroup">{html.escape(name)}</th><td>{owners[owner]:,.2f}</td></tr>'
            )
            rows += [
                f'<tr><th scope="row">{html.escape(line.what)}{" (share)" if line.shared and owner else ""}</th>'
                f"<td>{cents:,.2f}</td></tr>"
                for line, cents in self.found.cents()
                if line.owner == owner
            ]
        notes = [_RULES[self.rule]]
        if self.unknown:
            notes.append(f"{'; '.join(self.unknown)}: what they cost is in no line, the bill is a lower bound.")
        notes += [f"{one.provider}: {one.unbilled_days} days are not billed yet and stand as metered."
                  for one in self.billed if one.unbilled_days]  # fmt: skip
        notes += [f"{one.provider}: the bills are provisional." for one in self.billed if not one.is_final]
        return Template(files("breakeven").joinpath("chargeback.html").read_text("utf-8")).substitute(
            title=f"{self.period.start:%Y-%m-%d} to {self.period.end:%Y-%m-%d}", by=html.escape(self.by),
            rows="".join(rows), bill=f"{'≥ ' if self.unknown else ''}{self.found.bill:,.2f}",
            notes="".join(f"<p>{html.escape(note)}</p>" for note in notes),
        )  # fmt: skip


_RULES = {
    "own-line": "Idle GPUs, overheads and differences to bills stand in lines of their own.",
    "by-cost": "Idle GPUs, overheads and differences to bills are spread in proportion to what each one's work cost.",
    "even": "Idle GPUs, overheads and differences to bills are spread evenly.",
}


def _safe(text: str) -> str:
    """Return a text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def month(service: Service, text: str, by: str = "team", rule: str = "own-line", timezone: str = "UTC") -> Month:
    """Return the statement of a month or another period; its lines add up to what was billed and paid.

    API money is metered and, where a provider bills, brought to its bill by a line of the difference; GPUs are what
    the pool costs. Raises ConfigError naming what is known.
    """
    if by not in OWNERS:
        raise ConfigError(f"--by {by}: not one of {', '.join(OWNERS)}")
    zone = zone_of(timezone)
    span = periods.period(text, zone, service.now())
    asked: dict[str, Any] = {"since": span.start, "until": span.end, "zone": zone}
    rows, _ = report.cost(service.store, by=("side", by, "provider", "component"), **asked)
    _, total = report.cost(service.store, by=("side",), **asked)
    direct, shared = [], dict[str, Decimal]()
    for row in rows:
        if row.cost is None:
            continue
        component, side = row.group["component"], row.group["side"]
        if component == "overhead":
            what = f"overhead: {row.group['provider']}"
        elif component == "commitment_unused":
            what = f"unused commitment to {row.group['provider']}"
        elif side == "self_hosted" and component != "gpu_used":
            what = _IDLE.get(component, component)
        else:
            name = "own GPUs" if side == "self_hosted" else f"{row.group['provider']} API"
            direct.append(Direct(row.group[by], name, row.cost))
            continue
        shared[what] = shared.get(what, Decimal(0)) + row.cost
    # A few days more tell whether a day without a bill was billed later, or is not billed yet.
    days = service.reconcile(span.start, span.end + timedelta(days=3))
    billed = differences(days, span.start.date(), span.end.date())
    for one in billed:
        if one.billed != one.metered:
            shared[f"difference to the bill of {one.provider}"] = one.billed - one.metered
    unknown = (total.unpriced_tokens or 0, total.no_usage)
    return Month(span, by, rule, statement(direct, shared, rule), *unknown, billed)


def chargeback_command(
    period: Annotated[str, typer.Argument(help=f"{periods.FORMS}.")],
    by: Annotated[str, typer.Option(help=f"Who pays: {', '.join(OWNERS)}.")] = "team",
    shared: Annotated[
        str, typer.Option(help="Idle GPUs, overheads, differences to bills: own-line, by-cost or even.")
    ] = "own-line",
    timezone: Annotated[str, typer.Option(help="Whose months: UTC, Europe/Berlin, …")] = "UTC",
    out: Annotated[Path | None, typer.Option(help="File to write: .csv or .html.")] = None,
    as_json: Json = False,
) -> None:
    """Write who pays for a month: what each one's work cost, and what is nobody's; it adds up to the bill.

    JSON: {"rows": [{by, "what", "shared", "usd", "usd_exact"}], "bill", "bill_exact", "unpriced_tokens",
    "uncounted_attempts", "billed"}.
    """
    if out is not None and out.suffix not in (".csv", ".html"):
        raise ConfigError(f"--out {out}: a file that ends with .csv or .html")
    with opened() as service:
        service.tick()
        found = month(service, period, by, shared, timezone)
    if out is not None:
        out.write_text(found.csv() if out.suffix == ".csv" else found.html(), "utf-8")
        show.say(f"Wrote {out}: {show.several(len(found.found.lines), 'line')}, {show.usd(found.found.bill)}.")
    elif wants_json(as_json):
        print_json(found.json())
    else:
        _table(found)


def _table(found: Month) -> None:
    lines = found.found.cents()
    if not lines:
        show.say("Nothing was spent in this period. `breakeven cost --bucket month` shows what there is.")
        return
    rows = []
    for owner in found.found.owners():
        rows += [[owner or "–", line.what + (" (share)" if line.shared and owner else ""), f"${cents:,.2f}"]
                 for line, cents in lines if line.owner == owner]  # fmt: skip
    rows.append(["bill", "", f"{'≥ ' if found.unknown else ''}${found.found.bill:,.2f}"])
    show.table(
        f"Chargeback by {found.by} · {found.period.start:%Y-%m-%d} to {found.period.end:%Y-%m-%d} · USD",
        [found.by, "what", "USD>"],
        rows,
        f"{_RULES[found.rule]} {UNATTRIBUTED}: no {found.by} was told.",
    )
    if found.unknown:
        show.say(f"{'; '.join(found.unknown)}: in no line, the bill is more.")
    for one in found.billed:
        if one.unbilled_days:
            show.say(f"{one.provider}: {show.several(one.unbilled_days, 'day')} not billed yet, as metered.")


__all__ = ["OWNERS", "RULES", "Month", "chargeback_command", "month"]
