"""Traces on their way into the ledger: of nested spans that tell the same tokens the innermost counts, once."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC
from typing import TYPE_CHECKING, Any

from collector.receivers.piece import Heard, Piece
from collector.receivers.spans import SOURCE, Span, is_inference, request, spans, started
from ledger.errors import BadRow
from ledger.records import INPUT_CLASSES, Request, SpanLink, SpanService

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from collector.intake import Intake
    from ledger.store import Store

_WITHDRAWN = 1
"""`duplicate_of` of a row that counts no longer, whatever comes after it."""
_MAX_DEPTH = 200
_TOKENS = (*INPUT_CLASSES, "output")


def read(message: Any, now: datetime) -> Piece:
    """Return what an ExportTraceServiceRequest tells; pure."""
    found = list(spans(message))
    requests, bad = _requests(found, now)
    place = {key: number for number, key in enumerate(requests)}
    heard = []
    for span in found:
        key = (span.trace, span.span)
        link = _link(span, requests.get(key))
        heard.append(Heard(link, place.get(key, -1), is_inference(span), span.about_models))
    told = [(number, wrong.field, wrong.reason) for number, wrong in enumerate(bad, 1)]
    return Piece(SOURCE, SOURCE, now, list(requests.values()), heard, told)


def store(pieces: list[Piece], intake: Intake) -> int:
    """Give the requests of pieces to an intake and remember their spans; return how many were set aside as repeats."""
    heard = {(one.link.trace, one.link.span): one for piece in pieces for one in piece.spans}
    requests = {
        (one.link.trace, one.link.span): piece.requests[one.request]
        for piece in pieces
        for one in piece.spans
        if one.request >= 0
    }
    asked = {trace for (trace, _), one in heard.items() if one.inference or one.link.parent}
    before = _known(intake.store, asked)
    traces = {trace for trace, _ in requests} | {trace for trace, _ in before}
    links = {key: one.link for key, one in heard.items() if key[0] in traces or one.about_models}
    _remember(intake.store, links)
    # Once more: another receiver may have taken the other half of a trace meanwhile, and one of the two must see it.
    later = _known(intake.store, asked) if links else {}
    known = {**before, **{key: link for key, link in later.items() if key not in links}}
    nodes = {**known, **links}
    repeats = wrappers(nodes)
    for key, one in requests.items():
        if key not in repeats:
            intake.take(one)
    for piece in pieces:
        for one in piece.requests if not piece.spans else ():
            intake.take(one)
    counted = {link.event_key for key, link in nodes.items() if key not in repeats}
    for key in repeats & set(known):  # counted before what it wraps was known
        if known[key].event_key not in counted:
            intake.take(_withdrawal(known[key]))
    _name_services(intake.store, requests.values())
    return len(repeats & set(requests))


def _remember(base: Store, links: dict[tuple[str, str], SpanLink]) -> None:
    months: dict[tuple[int, int], list[SpanLink]] = defaultdict(list)
    for link in links.values():
        months[link.at.year, link.at.month].append(link)
    for rows in months.values():
        base.add(rows)


def _name_services(base: Store, requests: Iterable[Request]) -> None:
    """Write down on which days spans of which services told tokens."""
    told = {
        SpanService(one.at.date(), one.key) for one in requests if one.key and any(getattr(one, n) for n in _TOKENS)
    }
    if told:
        known = base.ask("collector.receivers", "span_services", days=sorted({one.day for one in told}))
        base.add(sorted(told - {SpanService(**row) for row in known}, key=repr))


def _known(base: Store, traces: set[str]) -> dict[tuple[str, str], SpanLink]:
    if not traces:
        return {}
    rows = base.ask("collector.receivers", "span_links", traces=sorted(traces))
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
