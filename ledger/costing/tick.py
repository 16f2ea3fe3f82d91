"""The cost tick: find the hours whose facts changed, rebuild them whole, move the watermark last."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ledger.costing.commitments import rebuild as rebuild_commitments
from ledger.costing.days import rebuild_days
from ledger.costing.declared import record
from ledger.costing.mark import Mark, Seen, read_mark, write_mark
from ledger.costing.overheads import overhead_hours, own_begin
from ledger.costing.pools import engine_hours, pool_hours
from ledger.errors import StoreRefused
from ledger.records import CostHour, UsageDay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ledger.costing.declared import Declared
    from ledger.store import Store

_PACKAGE = "ledger.costing"
_HOUR = timedelta(hours=1)
_CHUNK = 372
"""Most hours rebuilt in one go."""
_CHUNK_ROWS = 100_000
"""Most attempts read in one go, unless one hour has more: keeps the engine's memory flat on a large import."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What a tick did: hours rebuilt on the request side and on the pool side."""

    request_hours: int
    pool_hours: int
    as_of: datetime


def floor_hour(instant: datetime) -> datetime:
    """Return the start of the hour of an instant."""
    return instant.replace(minute=0, second=0, microsecond=0)


def tick(
    store: Store,
    declared: Declared,
    as_of: datetime,
    progress: Callable[[int, int], None] | None = None,
    *,
    pools: bool = True,
) -> Tick:
    """Bring the derived tables up to the facts; run twice, or killed anywhere and run again, the same.

    Pools and overheads cost up to the last closed hour before `as_of`; requests up to what is there.
    `progress` is told (hours done, hours to do). Without `pools`, only requests are costed and the watermark stays:
    for a caller who does not know what was declared.
    """
    changed = record(store, declared, as_of) if pools else False
    mark = read_mark(store)
    now_ns = store.next_ver()
    before = (Mark() if changed else mark).settled(now_ns)
    after = before
    requests, after = _changed(store, "requests", before, after, as_of, now_ns)
    samples, after = _changed(store, "samples", before, after, as_of, now_ns)
    engines, after = _changed(store, "engines", before, after, as_of, now_ns)
    _decide_days(store, declared, before, anew=pools)
    buckets, after = _changed(store, "buckets", before, after, as_of, now_ns)
    decisions, after = _changed(store, "decisions", before, after, as_of, now_ns)
    dirty = {row["hour"] for row in requests}
    dirty |= {hour + _HOUR for hour in dirty}  # a retry may have its first attempt in the hour before
    dirty |= {row["hour"] for rows in (buckets, decisions, engines) for row in rows}
    own = {row["hour"] for row in samples}
    own |= {row["hour"] + k * _HOUR for row in engines for k in (0, 1, 2)}
    own |= {row["hour"] + k * _HOUR for row in requests if row["own"] for k in (0, 1, 2)}
    closed = floor_hour(as_of)
    firsts = store.ask(_PACKAGE, "first_hours")[0]
    own |= set(_hours(before.closed or _begin(declared, firsts), closed))
    if own and mark.covered and (engines or any(row["own"] for row in requests)):
        own |= set(_hours(mark.covered, max(own)))  # silence since then is now known to have been silence
    dirty_hours, own_hours = sorted(h for h in dirty if h <= as_of), sorted(h for h in own if h < closed and pools)
    total, done = len(dirty_hours) + len(own_hours), 0
    sizes = (
        {row["hour"]: row["n"] for row in store.ask(_PACKAGE, "hour_sizes", hours=dirty_hours)} if dirty_hours else {}
    )
    for hours in chunks(dirty_hours, sizes):
        _rebuild_requests(store, declared, hours, after.requests)
        done += len(hours)
        if progress:
            progress(done, total)
    read = {row["hour"] + k * _HOUR for row in samples for k in (0, 1)}  # by its end a reading belongs to the next hour
    for hours in chunks(sorted(read)):
        store.tell(_PACKAGE, "gpu_readings_hourly", ver=store.next_ver(), hours=hours)
    for hours in chunks(own_hours):
        _rebuild_own(store, declared, hours, firsts)
        done += len(hours)
        if progress:
            progress(done, total)
    if not pools:
        rebuild_days(store)
        return Tick(len(dirty_hours), 0, as_of)
    begin = before.closed or firsts["api"]
    months = {*dirty_hours, *_hours(begin and max(begin, firsts["api"] or begin), closed)}
    rebuild_commitments(store, declared.commitments, months, closed)
    rebuild_days(store)
    worked = [row["hour"] for row in requests if row["own"]] + [row["hour"] for row in engines]
    covered = max(worked, default=None)
    covered = max((at for at in (covered, mark.covered) if at is not None), default=None)
    after = replace(after, closed=closed, covered=covered)
    if after != mark:
        write_mark(store, after)
    return Tick(len(dirty_hours), len(own_hours), as_of)


def _changed(
    store: Store, table: str, before: Mark, after: Mark, as_of: datetime, now_ns: int
) -> tuple[list[dict[str, Any]], Mark]:
    """Return the hours of a fact table that changed since a mark, and the mark once they are worked in."""
    seen: Seen = getattr(before, table)
    rows = store.ask(_PACKAGE, f"dirty_{table}", **seen.asked(now_ns))
    return seen.changed(rows), after.having(table, seen.following(rows, as_of))


def _decide_days(store: Store, declared: Declared, after: Mark, *, anew: bool) -> None:
    """Decide what the changed days of each reporting provider are counted from: requests or reports, never both.

    Stored before the hours are rebuilt, and itself a reason to rebuild a day: a kill in between loses nothing.
    Without `anew`, days that are decided stay so: the caller does not know which providers' reports are to count.
    """
    changed = store.ask(_PACKAGE, "dirty_days", after_requests=after.requests.after, after_buckets=after.buckets.after)
    if changed:
        days = [row["day"] for row in changed]
        first, last = (datetime(d.year, d.month, d.day, tzinfo=UTC) for d in (days[0], days[-1]))
        span = {"from": first, "to": last + 24 * _HOUR}
        found = store.ask(_PACKAGE, "usage_days", days=days, reports=list(declared.reported), **span)
        store.add([UsageDay(r["day"], r["provider"], r["counted"]) for r in found if anew or not r["before"]])


def _rebuild_requests(store: Store, declared: Declared, hours: list[datetime], after: Seen) -> None:
    """Rebuild hours; `after`: requests as the tick saw them. Raises StoreRefused where parts do not add up."""
    around = sorted({*hours, *(hour - _HOUR for hour in hours)})
    next_hours = sorted({*hours, *(hour + _HOUR for hour in hours)})
    names = {"names": [d.name for d in declared.own], "models": [d.model for d in declared.own]}
    store.tell(
        _PACKAGE, "usage_hourly", ver=store.next_ver(), hours=hours, around=around, after=next_hours, **names,
        engine_hours=engine_hours(store, names, hours),
    )  # fmt: skip
    store.tell(_PACKAGE, "work_10s", ver=store.next_ver(), hours=hours)
    store.tell(_PACKAGE, "arrivals_hourly", ver=store.next_ver(), hours=hours)
    store.tell(_PACKAGE, "lengths_hourly", ver=store.next_ver(), hours=hours)
    store.tell(_PACKAGE, "cost_hourly_api", ver=store.next_ver(), hours=hours)
    wrong = store.ask(_PACKAGE, "unreconciled", hours=hours)
    if wrong:
        # Rows that came in meanwhile are not in the parts yet; the next tick finds their hours.
        newer = {
            row["hour"] for row in after.changed(store.ask(_PACKAGE, "dirty_requests", **after.asked(store.next_ver())))
        }
        newer |= {hour + _HOUR for hour in newer}
        wrong = [row for row in wrong if row["hour"] not in newer]
    if wrong:
        first = wrong[0]
        raise StoreRefused(
            f"{len(wrong)} hours do not reconcile; in {first['hour']:%Y-%m-%d %H:%M} UTC the attempts cost "
            f"{first['booked_usd']} USD and the parts {first['parts_usd']}"
        )


def _rebuild_own(store: Store, declared: Declared, hours: list[datetime], firsts: dict[str, Any]) -> None:
    costs, gpus = pool_hours(store, declared, hours)
    stale = [CostHour(**row, usd=Decimal(0)) for row in store.ask(_PACKAGE, "own_hours", hours=hours)]
    store.add(_zeroed(costs, stale))
    store.add(gpus)
    money: dict[tuple[datetime, str, str], Decimal] = {
        (row["hour"], row["side"], row["pool"]): row["usd"] for row in store.ask(_PACKAGE, "side_money", hours=hours)
    }
    begins = {"api": firsts["api"], "self_hosted": own_begin(declared, firsts)}
    extra = [row for o in declared.overheads for row in overhead_hours(o, hours, money, begins[o.side])]
    overheads = [row for row in stale if row.component == "overhead"]
    store.add(_zeroed(extra, overheads))


def _zeroed(rows: list[CostHour], stale: Iterable[CostHour]) -> list[CostHour]:
    """Return rows plus a zero for each stored key that they no longer have."""
    keys = {_key(row) for row in rows}
    return [*rows, *(row for row in stale if _key(row) not in keys and row.usd == 0)]


def _key(row: CostHour) -> tuple[Any, ...]:
    return (
        row.hour, row.side, row.provider, row.model, row.deployment, row.pool, row.workload, row.team,
        row.environment, row.component, row.basis, row.vintage,
    )  # fmt: skip


def _begin(declared: Declared, firsts: dict[str, Any]) -> datetime | None:
    """Return from when pools or overheads cost."""
    api = [firsts["api"]] if firsts["api"] and any(one.side == "api" for one in declared.overheads) else []
    own = own_begin(declared, firsts)
    return min([*api, *([own] if own else [])], default=None)


def _hours(start: datetime | None, end: datetime) -> Iterator[datetime]:
    if start is None:
        return
    hour = floor_hour(start)
    while hour < end:
        yield hour
        hour += _HOUR


def chunks(hours: list[datetime], sizes: Mapping[datetime, int] = MappingProxyType({})) -> Iterator[list[datetime]]:
    """Cut sorted hours into pieces of one month (an insert is one partition), _CHUNK hours, _CHUNK_ROWS attempts."""
    piece: list[datetime] = []
    rows = 0
    for hour in hours:
        rows += sizes.get(hour, 0)
        other_month = bool(piece) and (hour.year, hour.month) != (piece[0].year, piece[0].month)
        if piece and (other_month or len(piece) == _CHUNK or rows > _CHUNK_ROWS):
            yield piece
            piece, rows = [], sizes.get(hour, 0)
        piece.append(hour)
    if piece:
        yield piece
