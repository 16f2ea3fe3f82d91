"""Traces on their way into the ledger: of nested spans that tell the same tokens the innermost counts, once."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC
from typing import TYPE_CHECKING, Any

from collector.intake import Intake
from collector.receivers.spans import SOURCE, Span, is_about_models, is_inference, request, spans, started
from ledger.errors import BadRow
from ledger.records import Request, SpanLink

if TYPE_CHECKING:
    from datetime import datetime

    from collector.attribution import Attribution
    from ledger.prices.register import PriceRegister
    from ledger.store import Store

_WITHDRAWN = 1
"""`duplicate_of` of a row that counts no longer, whatever comes after it."""
_MAX_DEPTH = 200


class Traces:
    """Stores the requests that traces tell of, and remembers how their spans hang together."""

    def __init__(self, store: Store, prices: PriceRegister, attribution: Attribution) -> None:
        self.store, self.prices, self.attribution = store, prices, attribution

    def take(self, message: Any, now: datetime) -> list[BadRow]:
        """Store an ExportTraceServiceRequest; return what could not be taken. Sent again, it changes nothing."""
        intake = Intake(self.store, self.prices, self.attribution, SOURCE, now, counting=False)
        bad = self.put(message, now, intake)
        for number, wrong in enumerate(bad, 1):
            intake.refuse(number, wrong, SOURCE)
        intake.finish()
        return bad

    def put(self, message: Any, now: datetime, intake: Intake) -> list[BadRow]:
        """Give the requests of a message to an intake and remember their spans; return what could not be taken."""
        found = list(spans(message))
        known = self._known({span.trace for span in found if is_inference(span) or span.parent})
        requests, bad = _requests(found, now)
        traces = {span.trace for span in found if (span.trace, span.span) in requests} | {trace for trace, _ in known}
        links = {
            (span.trace, span.span): _link(span, requests.get((span.trace, span.span)))
            for span in found
            if span.trace in traces or is_about_models(span)
        }
        nodes = {**known, **links}
        repeats = wrappers(nodes)
        for place, one in requests.items():
            if place not in repeats:
                intake.take(one)
        counted = {link.event_key for place, link in nodes.items() if place not in repeats}
        for place in repeats & set(known):  # counted before what it wraps was known
            if known[place].event_key not in counted:
                intake.take(_withdrawal(known[place]))
        months: dict[tuple[int, int], list[SpanLink]] = defaultdict(list)
        for link in links.values():
            months[link.at.year, link.at.month].append(link)
        for rows in months.values():
            self.store.add(rows)
        return bad

    def _known(self, traces: set[str]) -> dict[tuple[str, str], SpanLink]:
        if not traces:
            return {}
        rows = self.store.ask("collector.receivers", "span_links", traces=sorted(traces))
        return {(row["trace"], row["span"]): SpanLink(**row) for row in rows}


def _requests(found: list[Span], now: datetime) -> tuple[dict[tuple[str, str], Request], list[BadRow]]:
    requests: dict[tuple[str, str], Request] = {}
    bad: list[BadRow] = []
    for span in found:
        if is_inference(span):
            try:
                requests[span.trace, span.span] = request(span, now)
            except BadRow as wrong:
                bad.append(wrong)
            except ValueError as wrong:
                bad.append(BadRow("gen_ai.usage", str(wrong)))
    return requests, bad


def _link(span: Span, one: Request | None) -> SpanLink:
    if one is None:
        return SpanLink(span.trace, span.span, span.parent, started(span))
    return SpanLink(
        span.trace, span.span, span.parent, one.at, one.event_key, one.provider, one.model, one.side,
        int(span.has_usage),
    )  # fmt: skip


def wrappers(nodes: dict[tuple[str, str], SpanLink]) -> set[tuple[str, str]]:
    """Return the spans that repeat what spans inside them tell: they became requests, and so did one below them.

    A span with tokens gives way only to one with tokens; one without gives way to any.
    """
    out: set[tuple[str, str]] = set()
    for (trace, _), link in nodes.items():
        if not link.event_key:
            continue
        parent = link.parent
        for _ in range(_MAX_DEPTH):
            above = nodes.get((trace, parent)) if parent else None
            if above is None:
                break
            if above.event_key and above.event_key != link.event_key and (link.has_usage or not above.has_usage):
                out.add((trace, above.span))
            parent = above.parent
    return out


def _withdrawal(link: SpanLink) -> Request:
    return Request(
        at=link.at.astimezone(UTC), event_key=link.event_key, side=link.side, source=SOURCE, provider=link.provider,
        model=link.model, duplicate_of=_WITHDRAWN,
    )  # fmt: skip
