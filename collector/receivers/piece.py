"""What one request of a sender told, as it waits to be stored: rows that were checked, and nothing else of it."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import orjson

from collector.receivers.alike import COLUMNS, Alike
from ledger.records import Request, SpanLink

_Row = TypeVar("_Row", Request, SpanLink)


@dataclass(frozen=True, slots=True)
class Heard:
    """A span: how it hangs in its trace, which of the requests it became (-1: none), and what it may stand between."""

    link: SpanLink
    request: int
    inference: bool
    about_models: bool


@dataclass(slots=True)
class Piece:
    """Requests of one sender, its spans where it told any, and what could not be taken: (place, field, reason).

    `alike`: more requests, with their spans, in columns.
    """

    source: str
    origin: str
    at: datetime
    requests: list[Request] = field(default_factory=list)
    spans: list[Heard] = field(default_factory=list)
    bad: list[tuple[int, str, str]] = field(default_factory=list)
    alike: list[Alike] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.requests) + len(self.spans) + sum(map(len, self.alike))

    def packed(self) -> bytes:
        """Return it as bytes."""
        return orjson.dumps([
            self.source, self.origin, _micros(self.at), [_told(row) for row in self.requests],
            [[_told(one.link), one.request, one.inference, one.about_models] for one in self.spans], self.bad,
            [[_told(one.like), one.columns] for one in self.alike],
        ])  # fmt: skip

    @classmethod
    def unpacked(cls, data: bytes) -> Piece:
        """Return what `packed` made; raises ValueError, TypeError, KeyError for anything else."""
        source, origin, at, requests, spans, bad, *rest = orjson.loads(data)
        alike = rest[0] if rest else []  # what an earlier version has left has none
        return cls(
            source, origin, _instant(at), [_read(Request, row) for row in requests],
            [Heard(_read(SpanLink, link), *more) for link, *more in spans], [(n, f, r) for n, f, r in bad],
            [Alike(_read(Request, like), {name: columns[name] for name in COLUMNS}) for like, columns in alike],
        )  # fmt: skip


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A field that a later version adds is absent in what waits, and so has its default there.
_DEFAULTS = {kind: [(f.name, f.default) for f in fields(kind)] for kind in (Request, SpanLink)}


def _told(row: Request | SpanLink) -> dict[str, Any]:
    """Return what differs from the defaults, in types of JSON; instants in microseconds, money as text."""
    out: dict[str, Any] = {}
    for name, default in _DEFAULTS[type(row)]:
        value = getattr(row, name)
        if default is MISSING or value != default:
            out[name] = value
    out["at"] = _micros(row.at)
    if out.get("cost_reported") is not None:
        out["cost_reported"] = str(out["cost_reported"])
    return out


def _read(kind: type[_Row], told: dict[str, Any]) -> _Row:
    told["at"] = _instant(told["at"])
    if told.get("cost_reported") is not None:
        told["cost_reported"] = Decimal(told["cost_reported"])
    return kind(**told)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
