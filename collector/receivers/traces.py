"""Traces on their way into the ledger: of nested spans that tell the same tokens the innermost counts, once."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, fields
from datetime import UTC
from typing import TYPE_CHECKING, Any

from collector.receivers import spans
from collector.receivers.alike import DAY_MS, Alike, Kinds, instant
from collector.receivers.piece import Heard, Piece
from collector.receivers.spans import SOURCE, Span, about_sender, is_inference, request, started
from ledger.errors import BadRow
from ledger.records import INPUT_CLASSES, Request, SpanLink, SpanService

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from collector.intake import Columns, Intake
    from ledger.store import Store

_WITHDRAWN = 1
"""`duplicate_of` of a row that counts no longer, whatever comes after it."""
_MAX_DEPTH = 200
_TOKENS = (*INPUT_CLASSES, "output")


def read(message: Any, now: datetime, *, by_kind: bool = True) -> Piece:
    """Return what an ExportTraceServiceRequest tells; pure. Without `by_kind` every span is read by itself."""
    found: list[Span] = []
    alike: list[Alike] = []
    for resource in message.resource_spans:
        about = about_sender(resource.resource)
        for scope in resource.scope_spans:
            kinds = Kinds(now, scope.scope.name, about)
            found += [spans.read(one, kinds.scope, about) for one in scope.spans if not (by_kind and kinds.take(one))]
            alike += kinds.all()
    requests, bad = _requests(found, now)
    place = {key: number for number, key in enumerate(requests)}
    heard = []
    for span in found:
        key = (span.trace, span.span)
        link = _link(span, requests.get(key))
        heard.append(Heard(link, place.get(key, -1), is_inference(span), span.about_models))
    told = [(number, wrong.field, wrong.reason) for number, wrong in enumerate(bad, 1)]
    return Piece(SOURCE, SOURCE, now, list(requests.values()), heard, told, alike)


def store(pieces: list[Piece], intake: Intake) -> int:
    """Give the requests of pieces to an intake and remember their spans; return how many were set aside as repeats."""
    for piece in pieces:
        for one in piece.requests if not (piece.spans or piece.alike) else ():
            intake.take(one)
    told = _Told.of(pieces)
    if not told.heard and not told.alone:
        return 0
    base = intake.store
    before = _known(base, told.doubtful())
    vers = _remember(base, told, {trace for trace, _ in before})
    # After ours are stored: another receiver may take the other half of a trace, and one of the two must see it.
    later = _known(base, told.asked(), vers) if vers else {}
    known = {**before, **{key: link for key, link in later.items() if key not in told.heard}}
    told.look_at({trace for trace, _ in known})
    nodes = {**known, **{key: one.link for key, one in told.heard.items()}}
    repeats = wrappers(nodes)
    for key, one in told.requests.items():
        if key not in repeats:
            intake.take(one)
    for alike in told.alone:
        for part in alike.by_month().values():
            intake.take_alike(part.like, {**part.columns, "at": [instant(at) for at in part.columns["at"]]})
    counted = {link.event_key for key, link in nodes.items() if key not in repeats}
    for key in repeats & set(known):  # counted before what it wraps was known
        if known[key].event_key not in counted:
            intake.take(_withdrawal(known[key]))
    _name_services(base, told)
    return len(repeats & set(told.requests))


@dataclass(slots=True)
class _Told:
    """Spans of some pieces: those that are alone in their traces, as far as is known, in columns; others one by one."""

    heard: dict[tuple[str, str], Heard] = field(default_factory=dict)
    requests: dict[tuple[str, str], Request] = field(default_factory=dict)
    alone: list[Alike] = field(default_factory=list)

    @classmethod
    def of(cls, pieces: list[Piece]) -> _Told:
        """Sort the spans of some pieces."""
        out = cls()
        for piece in pieces:
            for one in piece.spans:
                key = (one.link.trace, one.link.span)
                out.heard[key] = one
                if one.request >= 0:
                    out.requests[key] = piece.requests[one.request]
            out.alone += piece.alike
        spans_of = Counter(trace for trace, _ in out.heard)
        for alike in out.alone:
            spans_of.update(alike.columns["trace"])
        out.look_at({trace for trace, count in spans_of.items() if count > 1})
        return out

    def look_at(self, traces: set[str]) -> None:
        """Take the spans of some traces out of the columns."""
        alone = []
        for one in self.alone:
            near = [n for n, trace in enumerate(one.columns["trace"]) if trace in traces]
            for n in near:
                link = one.link(n)
                key = (link.trace, link.span)
                self.heard[key], self.requests[key] = Heard(link, -1, inference=True, about_models=True), one.request(n)
            taken = set(near)
            rest = one.only([n for n in range(len(one)) if n not in taken]) if near else one
            if rest:
                alone.append(rest)
        self.alone = alone

    def asked(self) -> set[str]:
        """Return the traces that may have other spans which tell the same."""
        out = {trace for (trace, _), one in self.heard.items() if one.inference or one.link.parent}
        for alike in self.alone:
            out.update(alike.columns["trace"])
        return out

    def doubtful(self) -> set[str]:
        """Return the traces of which must be known what came before, before anything is stored.

        They have a span that is kept only if its trace has a request, or one that may have counted until now.
        """
        of_requests = {trace for trace, _ in self.requests}
        unsure = {
            trace for (trace, _), one in self.heard.items()
            if one.link.parent and not one.about_models and trace not in of_requests
        }  # fmt: skip
        return unsure | {trace for trace, _ in wrappers({key: one.link for key, one in self.heard.items()})}


def _remember(base: Store, told: _Told, known: set[str]) -> list[int]:
    """Store how spans hang together where that may matter; return the versions of what was stored."""
    traces = {trace for trace, _ in told.requests} | known
    months: dict[tuple[int, int], list[SpanLink]] = defaultdict(list)
    for key, one in told.heard.items():
        if key[0] in traces or one.about_models:
            months[one.link.at.year, one.link.at.month].append(one.link)
    alone: dict[tuple[int, int], list[Alike]] = defaultdict(list)
    for alike in told.alone:
        for month, part in alike.by_month().items():
            alone[month].append(part)
    return [base.add_columns(SpanLink.TABLE, _links(months[month], alone[month])) for month in {**months, **alone}]


def _links(links: list[SpanLink], alone: list[Alike]) -> Columns:
    columns: Columns = {one.name: [getattr(link, one.name) for link in links] for one in fields(SpanLink)}
    for alike in alone:
        size, first = len(alike), alike.link(0)
        for name, column in columns.items():
            if name == "at":
                column.extend([instant(at) for at in alike.columns["at"]])
            else:
                column.extend(alike.columns[name] if name in alike.columns else [getattr(first, name)] * size)
    return columns


def _known(base: Store, traces: set[str], without: Iterable[int] = ()) -> dict[tuple[str, str], SpanLink]:
    """Return what is remembered of the spans of some traces, but for what some inserts brought."""
    if not traces:
        return {}
    asked = {"traces": ",".join(sorted(traces)), "without": sorted(without)}
    rows = base.ask("collector.receivers", "span_links", **asked)
    return {(row["trace"], row["span"]): SpanLink(**row) for row in rows}


def _name_services(base: Store, told: _Told) -> None:
    """Write down on which days spans of which services told tokens."""
    days = {
        SpanService(one.at.date(), one.key)
        for one in told.requests.values() if one.key and any(getattr(one, name) for name in _TOKENS)
    }  # fmt: skip
    for alike in told.alone:
        if alike.like.key and alike.has_usage:
            some = {at // DAY_MS: at for at in alike.columns["at"]}
            days |= {SpanService(instant(at).date(), alike.like.key) for at in some.values()}
    if days:
        known = base.ask("collector.receivers", "span_services", days=sorted({one.day for one in days}))
        base.add(sorted(days - {SpanService(**row) for row in known}, key=repr))


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
