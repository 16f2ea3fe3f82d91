"""Spans that are alike but for ids, instants and counts: the first of a kind is read in full, the others by column.

A kind is what a program sends by the thousand: the same attributes, names and model, a call that went well. Whatever
is odd about a span sends it the long way, through `spans.request`; so the rules stand there, and only there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from collector import fields
from collector.receivers import spans
from ledger.errors import BadRow
from ledger.records import MAX_COUNT, Request, SpanLink

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000
_TEXTS = ("provider", "operation", "model", "tier")
_COUNTS = ("input", "output", "cache_read", "cache_write", "reasoning")
_READ = {*_TEXTS, *_COUNTS, "id", "ttft"}
_PLACES = {alias: (name, rank) for name, aliases in spans.NAMES.items() for rank, alias in enumerate(aliases)}
_MAX_TTFT_S = 4_000_000
_VARYING = (
    "event_key", "input_fresh", "cache_read", "cache_write_other", "output", "output_reasoning", "ttft_ms",
    "latency_ms",
)  # fmt: skip
COLUMNS = ("trace", "span", "parent", "at", *_VARYING)
"""What differs between requests that are alike; `at` in milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Requests like one but for some columns, each of one span."""

    like: Request
    columns: dict[str, list[Any]]

    def __len__(self) -> int:
        return len(self.columns["at"])

    @property
    def has_usage(self) -> bool:
        """Say whether the spans tell tokens: all of them do, or none."""
        return self.like.usage_source != "absent"

    def request(self, place: int) -> Request:
        """Return one of them."""
        told = {name: self.columns[name][place] for name in _VARYING}
        return replace(self.like, at=instant(self.columns["at"][place]), **told)

    def link(self, place: int) -> SpanLink:
        """Return how its span hangs in its trace."""
        trace, span, parent, at, key = (self.columns[name][place] for name in COLUMNS[:5])
        like = self.like
        return SpanLink(
            trace, span, parent, instant(at), key, like.provider, like.model, like.side, int(self.has_usage)
        )

    def only(self, places: Sequence[int]) -> Alike:
        """Return some of them."""
        if len(places) == len(self):
            return self
        return Alike(self.like, {name: [column[n] for n in places] for name, column in self.columns.items()})

    def by_month(self) -> dict[tuple[int, int], Alike]:
        """Return them by (year, month) of their instants."""
        first, last = instant(min(self.columns["at"])), instant(max(self.columns["at"]))
        if (first.year, first.month) == (last.year, last.month):
            return {(first.year, first.month): self}
        months: dict[tuple[int, int], list[int]] = {}
        seen: dict[int, tuple[int, int]] = {}
        for place, at in enumerate(self.columns["at"]):
            day = at // DAY_MS
            if day not in seen:
                date = instant(at)
                seen[day] = date.year, date.month
            months.setdefault(seen[day], []).append(place)
        return {month: self.only(places) for month, places in months.items()}


def instant(milliseconds: int) -> datetime:
    """Return the instant of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where in a span's attributes stands what is read, -1 for what is not told; `counts` in the order of `_COUNTS`.

    `operation` is a place among the texts.
    """

    texts: tuple[int, ...]
    counts: tuple[int, ...]
    operation: int
    id: int
    ttft: int


class Kinds:
    """The kinds of spans of one scope of a request."""

    def __init__(self, now: datetime, scope: str, about: Mapping[str, str]) -> None:
        self.now, self.scope, self.about = now, scope, about
        self._found: dict[tuple[Any, ...], tuple[Request, list[tuple[Any, ...]]] | None] = {}
        self._earliest = int(fields.EARLIEST.timestamp()) * 10**9
        self._latest = (now + fields.AHEAD - _EPOCH) // timedelta(microseconds=1) * 1000

    def all(self) -> list[Alike]:
        """Return what was taken."""
        return [
            Alike(like, dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True)))
            for like, rows in filter(None, self._found.values())
        ]

    def take(self, one: Any) -> bool:
        """Take a span that is like others; False leaves it to be read by itself."""
        pairs = one.attributes
        plan = _plan(tuple([pair.key for pair in pairs]))
        start = one.start_time_unix_nano
        if plan is None or one.status.code == 2 or not self._earliest <= start <= self._latest:
            return False
        texts = tuple([pairs[place].value.string_value for place in plan.texts])
        counts, identity, ttft = _counts(pairs, plan), _identity(pairs, plan), _ttft(pairs, plan)
        if "" in texts or counts is None or identity is None or ttft == -1:
            return False
        total, output, read, write, reasoning = counts
        fresh = (total or 0) - (read or 0) - (write or 0)
        if fresh < 0 or (reasoning or 0) > (output or 0):
            return False
        kind = (plan, texts, bool(total), bool(output))
        if kind not in self._found:
            self._found[kind] = self._first(one)
        found = self._found[kind]
        if found is None:
            return False
        trace, span = one.trace_id.hex(), one.span_id.hex()
        operation = texts[plan.operation] if plan.operation >= 0 else ""
        like, rows = found
        rows.append((
            trace, span, one.parent_span_id.hex(), start // 1_000_000,
            spans.event_key(like.provider, identity, operation, trace, span),
            fresh, read or 0, write or 0, output or 0, reasoning, ttft,
            spans.latency_ms(start, one.end_time_unix_nano),
        ))  # fmt: skip
        return True

    def _first(self, one: Any) -> tuple[Request, list[tuple[Any, ...]]] | None:
        """Return the kind of a span, with no rows yet; None for one whose spans must be read one by one."""
        read = spans.read(one, self.scope, self.about)
        if self.scope.startswith("openlit") or not spans.is_inference(read):
            return None
        try:
            like = spans.request(read, self.now)
        except (BadRow, ValueError):
            return None
        return like, []


def _counts(pairs: Any, plan: _Plan) -> list[int | None] | None:
    """Return a span's counts, None among them for what it does not tell; None for what is no plain count."""
    found: list[int | None] = []
    for place in plan.counts:
        if place < 0:
            found.append(None)
            continue
        value = pairs[place].value
        count = value.int_value
        if not 0 < count <= MAX_COUNT and (count or value.WhichOneof("value") != "int_value"):
            return None
        found.append(count)
    return found


def _identity(pairs: Any, plan: _Plan) -> str | None:
    """Return a span's id of the response, "" if it tells none, None for one that is not kept as it stands."""
    if plan.id < 0:
        return ""
    found: str = pairs[plan.id].value.string_value
    return found if found and fields.name(found) == found else None


def _ttft(pairs: Any, plan: _Plan) -> int | None:
    """Return milliseconds to the first token, None if it is not told, -1 for what is no plain number of seconds."""
    if plan.ttft < 0:
        return None
    seconds = pairs[plan.ttft].value.double_value
    return round(seconds * 1000) if 0 < seconds < _MAX_TTFT_S else -1


@lru_cache(4096)
def _plan(keys: tuple[str, ...]) -> _Plan | None:
    """Return where these attributes say what is read; None where one of them must be read with care."""
    best: dict[str, tuple[int, int]] = {}
    if len(set(keys)) != len(keys):
        return None
    for at, key in enumerate(keys):
        name, rank = _PLACES.get(key, ("", 0))
        if name and name not in _READ:
            return None
        if name and (name not in best or rank < best[name][0]):
            best[name] = rank, at
    places = {name: at for name, (_, at) in best.items()}
    if "model" not in places or "provider" not in places:
        return None
    texts = [name for name in _TEXTS if name in places]
    operation = texts.index("operation") if "operation" in texts else -1
    counts = tuple(places.get(name, -1) for name in _COUNTS)
    return _Plan(tuple(map(places.__getitem__, texts)), counts, operation, places.get("id", -1), places.get("ttft", -1))
