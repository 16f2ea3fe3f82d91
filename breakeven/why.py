"""The why command, its answer and its page: what a change of spend is made of, and who contributed."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Annotated, Any

import typer

from breakeven import periods, show
from breakeven.answers import zone_of
from breakeven.command import Json, opened, print_json, wants_json
from ledger.costing import report
from ledger.costing.changed import CAUSES
from ledger.costing.why import DIMENSIONS, Period, Why, why
from ledger.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from breakeven.service import Service

LATEST = "7d"
BY = ("side", "workload", "model")
WORDS = {
    "volume": "more or fewer requests",
    "mix": "between workloads, models and sides",
    "tokens": "tokens or GPU time a request",
    "cache": "share of the input read from caches",
    "price": "prices of tokens and GPU-hours",
    "utilisation": "GPU time that is paid for and not used",
    "fees": "tool fees, audio, images, money without requests",
    "declared": "overheads, unused commitments",
    "fx": "exchange rates",
}
"""What each cause means, for people."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Two periods and what lies between them."""

    earlier: Period
    later: Period
    found: Why

    def json(self, top: int = 0) -> dict[str, Any]:
        """Return the documented shape: money as text in USD; causes add up to `change`."""
        one = self.found
        return {
            "from": _span(self.earlier), "to": _span(self.later), "before": report.money(one.before),
            "after": report.money(one.after), "change": report.money(one.change), "causes": _texts(one.causes),
            "contributors": [
                {"name": c.name, "before": report.money(c.before), "after": report.money(c.after),
                 "change": report.money(c.change), "causes": _texts(c.causes)}
                for c in one.contributors[: top or None]
            ],
            "price_events": one.events,
            "unpriced_tokens": {"before": one.unpriced_tokens[0], "after": one.unpriced_tokens[1]},
        }  # fmt: skip


def answer(
    service: Service, earlier: str = "", later: str = "", by: Sequence[str] = BY, timezone: str = "UTC"
) -> Answer:
    """Compare two periods; `later` is the last seven complete days unless it is given, `earlier` the time before it."""
    zone = zone_of(timezone)
    text = later or LATEST
    second = periods.period(text, zone, service.now())
    first = periods.period(earlier, zone, service.now()) if earlier else periods.before(second, text, zone)
    return Answer(first, second, why(service.store, first, second, by))


def _span(one: Period) -> dict[str, str]:
    return {"start": f"{one.start:%Y-%m-%dT%H:%M:%SZ}", "end": f"{one.end:%Y-%m-%dT%H:%M:%SZ}"}


def _texts(causes: dict[str, Decimal]) -> dict[str, str | None]:
    return {name: report.money(usd) for name, usd in causes.items()}


def why_command(
    earlier: Annotated[str, typer.Option("--from", help=f"Earlier period: {periods.FORMS}.")] = "",
    later: Annotated[str, typer.Option("--to", help="Later period, written alike. Default: 7d.")] = "",
    by: Annotated[str, typer.Option(help=f"Groups, separated by commas: {', '.join(DIMENSIONS)}.")] = ",".join(BY),
    timezone: Annotated[str, typer.Option(help="Whose days: UTC, Europe/Berlin, …")] = "UTC",
    top: Annotated[int, typer.Option(min=1, help="How many contributors to show.")] = 10,
    as_json: Json = False,
) -> None:
    """Say why spend changed between two periods; without --from, against the time just before.

    Causes, in the order in which they are taken: volume, mix, tokens, cache, price, utilisation, fees, declared, fx.
    They add up to the change exactly. JSON: {"from", "to", "before", "after", "change", "causes", "contributors",
    "price_events", "unpriced_tokens"}.
    """
    with opened() as service:
        service.tick()
        now = service.now()
        found = answer(service, earlier, later, [name.strip() for name in by.split(",") if name.strip()], timezone)
    if wants_json(as_json):
        print_json(found.json())
        return
    one = found.found
    if not one.contributors:
        show.say("Nothing was spent in either period. `breakeven cost --bucket day` shows what there is.")
        return
    shown = [cause for cause in CAUSES if one.causes[cause]]
    show.table(
        f"Why · {_said(found.earlier)} → {_said(found.later)} · allocation basis · booked prices · USD",
        ["cause", "USD>", "share of before>", "what"],
        [
            ["before", show.usd(one.before), "", ""],
            *([name, _signed(one.causes[name]), _share(one.causes[name], one.before), WORDS[name]] for name in shown),
            ["after", show.usd(one.after), _share(one.change, one.before), f"{_signed(one.change)} in all"],
        ],
    )
    first = one.contributors[:top]
    show.table(
        "Who contributed",
        [*(["what"]), "before>", "after>", "change>", *(f"{cause}>" for cause in shown)],
        [
            [c.name, show.usd(c.before), show.usd(c.after), _signed(c.change),
             *(_signed(c.causes[cause]) if c.causes[cause] else "–" for cause in shown)]
            for c in first
        ],
        f"{len(one.contributors) - len(first)} more" if len(first) < len(one.contributors) else "",
    )  # fmt: skip
    if found.later.end > now:
        show.say("The later period is not over: it holds what there is so far.")
    for event in one.events[:20]:
        show.say(f"{event['at']:%Y-%m-%d %H:%M}Z {event['what']}: {_event(event)}")
    if any(one.unpriced_tokens):
        old, new = one.unpriced_tokens
        show.say(f"Without a price, so in no sum: {show.count(old)} tokens before, {show.count(new)} after.")


def _event(event: dict[str, Any]) -> str:
    return f"{show.usd(event['before'])} → {show.usd(event['after'])} {event['unit']}"


def _said(one: Period) -> str:
    return f"{one.start:%Y-%m-%d %H:%M}Z to {one.end:%Y-%m-%d %H:%M}Z"


def _signed(amount: Decimal) -> str:
    return f"{'+' if amount > 0 else ''}{show.usd(amount)}"


def _share(part: Decimal, whole: Decimal) -> str:
    return f"{float(part / whole):+.1%}" if whole else "–"


def why_page(service: Service, query: dict[str, str], navigation: str, mark: str) -> tuple[str, int]:
    """Return the page of a comparison and its status: a form, causes as bars, contributors, prices; no script."""
    asked = {name: query.get(name, "") for name in ("from", "to", "timezone")}
    shown = {
        "nav": navigation, "mark": mark, "earlier": html.escape(asked["from"]), "later": html.escape(asked["to"]),
        "timezone": html.escape(asked["timezone"] or "UTC"), "forms": html.escape(periods.FORMS),
    }  # fmt: skip
    template = Template(files("breakeven").joinpath("why.html").read_text("utf-8"))
    try:
        found = answer(service, asked["from"], asked["to"], timezone=asked["timezone"])
    except ConfigError as error:
        said = f'<p class="error" role="alert">{html.escape(str(error))}</p>'
        return template.substitute(shown, spans="", content=said), 422
    content = _content(service, found) if found.found.contributors else _NOTHING
    return template.substitute(shown, spans=f"{_said(found.earlier)} → {_said(found.later)} · ", content=content), 200


_NOTHING = """<section class="panel"><h2>Nothing was spent in either period</h2>
<p>Choose other periods, or bring usage in: <code>breakeven import FILE</code>.</p></section>"""


def _content(service: Service, found: Answer) -> str:
    """Return what the two periods say."""
    one = found.found
    most = max([abs(usd) for usd in one.causes.values()], default=0) or 1
    causes = "".join(
        f'<tr><th scope="row">{name}</th><td class="number">{html.escape(_signed(usd))}</td>'
        f'<td><span class="bar {"up" if usd > 0 else "down"}" style="width:{float(abs(usd) / most) * 100:.1f}%"></span>'
        f"</td><td>{html.escape(WORDS[name])}</td></tr>"
        for name, usd in one.causes.items()
        if usd
    )
    rows = "".join(
        f'<tr><th scope="row">{html.escape(c.name)}</th>'
        + "".join(f'<td class="number">{html.escape(text)}</td>' for text in
                  (show.usd(c.before), show.usd(c.after), _signed(c.change), _largest(c.causes)))
        + "</tr>"
        for c in one.contributors[:30]
    )  # fmt: skip
    events = "".join(
        f"<li>{event['at']:%Y-%m-%d %H:%M}Z {html.escape(event['what'])}: {html.escape(_event(event))}</li>"
        for event in one.events[:50]
    )
    unpriced = ""
    if any(one.unpriced_tokens):
        unpriced = (
            f"<p>Without a price, so in no sum: {show.count(one.unpriced_tokens[0])} tokens before, "
            f"{show.count(one.unpriced_tokens[1])} after.</p>"
        )
    return Template(files("breakeven").joinpath("why_found.html").read_text("utf-8")).substitute(
        before=show.usd(one.before), after=show.usd(one.after), change=_signed(one.change),
        share=_share(one.change, one.before), causes=causes or '<tr><td colspan="4">Nothing changed.</td></tr>',
        rows=rows, axis=_axis(service, found), unpriced=unpriced,
        events=events or "<li>No price of a model or pool in use changed.</li>",
    )  # fmt: skip


def _axis(service: Service, found: Answer) -> str:
    """Draw the spend of each day of both periods, and a line where a price changed."""
    spans = sorted((found.earlier, found.later), key=lambda one: one.start)
    rows, _ = report.cost(service.store, by=(), bucket="day", since=spans[0].start, until=max(s.end for s in spans))
    first, last = spans[0].start, max(one.end for one in spans)
    whole, most = (last - first).total_seconds(), max((row.cost or 0 for row in rows), default=0) or 1
    bars, wide = [], max(1.0, 86_400 / whole * 900 - 1)
    for row in rows:
        at = datetime.fromisoformat(row.group["bucket"])
        left, height = (at - first).total_seconds() / whole * 900, float((row.cost or 0) / most) * 110
        kind = "before" if found.earlier.start <= at < found.earlier.end else "after"
        bars.append(
            f'<rect class="{kind}" x="{max(0, left):.1f}" y="{118 - height:.1f}" height="{height:.1f}" '
            f'width="{wide:.1f}"><title>{at:%Y-%m-%d}: {show.usd(row.cost)}</title></rect>'
        )
    for event in found.found.events:
        x = (event["at"] - first).total_seconds() / whole * 900
        bars.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="120"><title>{html.escape(event["what"])}</title></line>'
        )
    label = f"Spend by day, at most {show.usd(most)}; {show.several(len(found.found.events), 'price change')}"
    return (
        f'<svg class="axis" viewBox="0 0 900 120" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f"{''.join(bars)}</svg>"
    )


def _largest(causes: dict[str, Decimal]) -> str:
    """Return the largest cause of a contributor's change, in words."""
    name = max(causes, key=lambda cause: abs(causes[cause]))
    return f"{name} {_signed(causes[name])}" if causes[name] else "–"
