"""Which price a name as billed has in force when: spans of whole seconds without overlap; pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ledger.prices.book import BEGIN, DAY_S, END
from ledger.records import Price, PriceRange

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NO_TIER = 2**62
HORIZON = timedelta(days=35)
"""How far ahead prices that change with the time of day are laid out; later events are unpriced until renewed."""
_PAST = timedelta(days=400)
_SECOND = timedelta(seconds=1)


def ranges_of(
    name: tuple[str, str, str, str], rows: Sequence[Price], user: Sequence[Price], as_of: datetime
) -> list[PriceRange]:
    """Return the spans of one name (provider, model, variant, region) from numbered rows of the book and the user.

    Where the user gave a price it stands alone; outside its dates the book's applies.
    """
    spans = [(p.valid_from, p.valid_to + _SECOND) for p in user if p.tier_start == 0]
    out = _laid_out(name, user, as_of)
    for one in _laid_out(name, rows, as_of):
        out += _without(one, spans)
    return sorted(out, key=lambda r: r.valid_from)


def continued(
    existing: Sequence[PriceRange], fresh: Sequence[PriceRange], cut: datetime
) -> tuple[list[PriceRange], list[PriceRange]]:
    """Return (spans in force, rows to write) when a name gets new prices: nothing before `cut` moves.

    Rows to write hold shortened old spans, new spans, and old future spans withdrawn.
    """
    kept = [r if r.valid_to < cut else replace(r, valid_to=cut - _SECOND) for r in existing if r.valid_from < cut]
    ahead = [r if r.valid_from >= cut else replace(r, valid_from=cut) for r in fresh if r.valid_to >= cut]
    for index, old in enumerate(kept):  # a span that goes on unchanged stays one span
        for new in ahead:
            if new.valid_from == cut and old.valid_to == cut - _SECOND and _same(old, new):
                kept[index] = replace(old, valid_to=new.valid_to)
                ahead = [r for r in ahead if r is not new]
                break
    now = sorted([*kept, *ahead], key=lambda r: r.valid_from)
    before = {r.valid_from: r for r in existing}
    write = [r for r in now if before.get(r.valid_from) != r]
    starts = {r.valid_from for r in now}
    write += [replace(r, valid_to=r.valid_from - _SECOND) for r in existing if r.valid_from not in starts]
    return now, write


def unknown(name: tuple[str, str, str, str]) -> PriceRange:
    """Return the span that says of a name: seen, and no price known."""
    return _range(name, BEGIN, END - _SECOND, [])


def filled(existing: Sequence[PriceRange], fresh: Sequence[PriceRange]) -> list[PriceRange]:
    """Return what stands after spans without any price were filled from `fresh`; priced spans stay as booked."""
    out = [r for r in existing if r.id0]
    for hole in (r for r in existing if not r.id0):
        pieces = [_clip(r, hole) for r in fresh]
        found = [p for p in pieces if p is not None]
        out += found
        out += _without(hole, [(p.valid_from, p.valid_to + _SECOND) for p in found])
    return sorted(out, key=lambda r: r.valid_from)


def _laid_out(name: tuple[str, str, str, str], rows: Sequence[Price], as_of: datetime) -> list[PriceRange]:
    spans: dict[tuple[datetime, datetime, int, int], list[Price]] = {}
    for row in rows:
        spans.setdefault((row.valid_from, row.valid_to, row.day_from_s, row.day_to_s), []).append(row)
    out = []
    for (start, end, from_s, to_s), tiers in spans.items():
        if (from_s, to_s) == (0, DAY_S):
            out.append(_range(name, start, end, tiers))
            continue
        out += [
            _range(name, day + timedelta(seconds=from_s), min(end, day + timedelta(seconds=to_s - 1)), tiers)
            for day in _days(start, end, as_of)
        ]
    return out


def _days(start: datetime, end: datetime, as_of: datetime) -> Iterable[datetime]:
    day = max(start, (as_of - _PAST).replace(hour=0, minute=0, second=0, microsecond=0))
    while day <= min(end, as_of + HORIZON):
        yield day
        day += timedelta(days=1)


def _range(name: tuple[str, str, str, str], start: datetime, end: datetime, tiers: list[Price]) -> PriceRange:
    ordered = sorted(tiers, key=lambda p: p.tier_start)
    ids = [p.price_id for p in ordered] + [0, 0, 0]
    starts = [p.tier_start for p in ordered[1:]] + [NO_TIER, NO_TIER]
    flags = 0
    for price in ordered:
        flags |= price.flags
    provider, model, variant, region = name
    return PriceRange(
        vintage="booked", provider=provider, model=model, variant=variant, region=region, valid_from=start,
        valid_to=end, id0=ids[0], start1=starts[0], id1=ids[1], start2=starts[1], id2=ids[2], flags=flags,
    )  # fmt: skip


def _without(one: PriceRange, spans: Sequence[tuple[datetime, datetime]]) -> list[PriceRange]:
    pieces = [one]
    for start, end in spans:
        cut = []
        for piece in pieces:
            if end <= piece.valid_from or start > piece.valid_to:
                cut.append(piece)
                continue
            if piece.valid_from < start:
                cut.append(replace(piece, valid_to=start - _SECOND))
            if piece.valid_to >= end:
                cut.append(replace(piece, valid_from=end))
        pieces = cut
    return pieces


def _clip(one: PriceRange, within: PriceRange) -> PriceRange | None:
    start, end = max(one.valid_from, within.valid_from), min(one.valid_to, within.valid_to)
    return replace(one, valid_from=start, valid_to=end) if start <= end else None


def _same(one: PriceRange, other: PriceRange) -> bool:
    return replace(one, valid_from=BEGIN, valid_to=BEGIN) == replace(other, valid_from=BEGIN, valid_to=BEGIN)
