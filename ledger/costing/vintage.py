"""Vintages: recorded work at the prices, rates, overheads and commitments of another day; booked money never moves."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ledger.costing.commitments import month_hours
from ledger.costing.overheads import overhead_hours, own_begin
from ledger.costing.pools import pool_hours
from ledger.costing.tick import chunks, floor_hour
from ledger.errors import ConfigError
from ledger.records import CostHour, SourceState, VintageHour

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ledger.costing.declared import Declared
    from ledger.records import GpuRate
    from ledger.store import Store

_PACKAGE = "ledger.costing"
_HOUR = timedelta(hours=1)
BOOKED, CURRENT, AS_OF = "booked", "current", "as-of:"
MOST = 30
"""Vintages that are kept: each has the size of the hourly costs, and anybody who may ask may make one."""
_EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Vintage:
    """Whose prices: those of the 24 hours from `priced_at` on, each hour of a day at its own time of the day."""

    name: str
    priced_at: datetime

    @classmethod
    def of(cls, text: str, now: datetime) -> Vintage:
        """Return the vintage of `current` or `as-of:DATE`; raises ConfigError naming what is known.

        `current` is what is in force from the next full hour on: from then on a change of prices acts.
        """
        if text == CURRENT:
            return cls(text, floor_hour(now) + _HOUR)
        if text.startswith(AS_OF):
            try:
                day = date.fromisoformat(text.removeprefix(AS_OF))
            except ValueError:
                raise ConfigError(f"--prices {text}: write as-of:2026-03-31") from None
            if day > now.date():
                raise ConfigError(f"--prices {text}: prices of a day to come are not known")
            return cls(f"{AS_OF}{day}", datetime(day.year, day.month, day.day, tzinfo=UTC))
        raise ConfigError(f"--prices {text}: not one of {BOOKED}, {CURRENT}, {AS_OF}DATE")


@dataclass(frozen=True, slots=True)
class Made:
    """What making a vintage did."""

    vintage: Vintage
    hours: int


def refresh(
    store: Store, declared: Declared, vintage: Vintage, now: datetime,
    progress: Callable[[int, int], None] | None = None,
) -> Made:  # fmt: skip
    """Bring a vintage up to what is booked: hours that were rebuilt since, or all when its prices changed.

    Run twice, or killed anywhere and run again, it gives the same. Raises ConfigError when too many are kept.
    """
    then = _declared_at(declared, vintage.priced_at)
    mark = _mark(store, then, vintage.priced_at)
    seen = store.ask("ledger.store", "cursor", source="vintage", name=vintage.name)
    if not (seen and seen[0]["value"]) and len(known(store)) >= MOST:
        raise ConfigError(
            f"--prices {vintage.name}: {MOST} vintages are kept already; `breakeven prices vintages --drop NAME` first"
        )
    state: dict[str, Any] = json.loads(seen[0]["value"]) if seen and seen[0]["value"] else {}
    after = state["seen"] if state.get("mark") == mark else 0
    rows = store.ask(_PACKAGE, "vintage_changed", after=after)
    if not rows:
        return Made(vintage, 0)
    hours = [row["hour"] for row in rows]
    own = [row["hour"] for row in rows if row["own"]]
    firsts = store.ask(_PACKAGE, "first_hours")[0]
    done, total = 0, len(hours) + len(own)
    for part in chunks(hours, {r["hour"]: r["n"] for r in store.ask(_PACKAGE, "hour_sizes", hours=hours)}):
        around = sorted({*part, *(hour - _HOUR for hour in part)})
        store.tell(
            _PACKAGE, "vintage_api", ver=store.next_ver(), vintage=vintage.name, priced_at=vintage.priced_at,
            hours=part, around=around,
        )  # fmt: skip
        done += len(part)
        if progress:
            progress(done, total)
    for part in chunks(own):
        _declared_money(store, then, vintage, part, firsts)
        done += len(part)
        if progress:
            progress(done, total)
    _unused(store, then, vintage, hours, floor_hour(now))
    told = {
        "mark": mark, "seen": max([after, *(row["seen"] for row in rows)]), "made": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "priced_at": f"{vintage.priced_at:%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip
    store.add([SourceState("vintage", vintage.name, json.dumps(told))])
    return Made(vintage, len(hours))


def known(store: Store) -> list[dict[str, Any]]:
    """Return the vintages that were made: name, when, at which prices, rows, first and last hour."""
    return [
        {
            "vintage": row["vintage"], "priced_at": told["priced_at"], "made": told["made"], "rows": row["rows"],
            "first": row["first"], "last": row["last"],
        }
        for row in store.ask(_PACKAGE, "vintages") if (told := json.loads(row["value"]))
    ]  # fmt: skip


def drop(store: Store, name: str) -> None:
    """Remove a vintage; it can be made again at any time. Raises ConfigError naming those that are there."""
    names = [row["vintage"] for row in known(store)]
    if name not in names:
        raise ConfigError(f"vintage {name}: not there; known here: {', '.join(names) or 'none'}")
    store.add([SourceState("vintage", name, "")])  # first: a kill in between makes it anew in place of half of it
    store.tell(_PACKAGE, "drop_vintage", vintage=name)


def _declared_at(declared: Declared, instant: datetime) -> Declared:
    """Return what is declared with the rates, overheads and commitments of an instant for all of history.

    How many GPUs a pool had, and when, is history and stays; a pool that has no rate then keeps its own.
    """
    return replace(
        declared,
        rates=tuple(_repriced(rate, declared.rate_at(rate.pool, instant)) for rate in declared.rates),
        overheads=tuple(
            replace(one, valid_from=_EVER[0], valid_to=_EVER[1])
            for one in declared.overheads if one.valid_from <= instant < one.valid_to
        ),
        commitments=tuple(
            replace(one, valid_from=_EVER[0], valid_to=_EVER[1])
            for one in declared.commitments if one.valid_from <= instant < one.valid_to
        ),
    )  # fmt: skip


def _repriced(rate: GpuRate, then: GpuRate | None) -> GpuRate:
    names = ("usd_per_gpu_hour", "usd_per_kwh", "host_w", "gpu_w", "kwh_of_week", "zone", "others_share")
    return rate if then is None else replace(rate, **{name: getattr(then, name) for name in names})


def _mark(store: Store, then: Declared, instant: datetime) -> str:
    """Return a hash of the prices and declarations of a vintage: while it stays, hours that were made stay."""
    end = instant + timedelta(days=1)
    spans, daily = [], ""
    for row in store.ask("ledger.prices", "ranges"):
        if row["valid_to"] < instant or row["valid_from"] >= end:
            continue
        whole = row["valid_from"] <= instant and row["valid_to"] >= end - timedelta(seconds=1)
        names = ("provider", "model", "variant", "region", "id0", "start1", "id1", "start2", "id2")
        spans.append((whole, *(row[name] for name in names)))
        daily = daily if whole else f"{instant.date()}"  # prices of the time of day are laid out anew every day
    return hashlib.sha256(repr((sorted(set(spans)), daily, then.mark())).encode()).hexdigest()


def _declared_money(
    store: Store, then: Declared, vintage: Vintage, hours: list[datetime], firsts: dict[str, Any]
) -> None:
    """Write pools and overheads of whole hours; parts of a pool's hour add up to its bill."""
    costs, _ = pool_hours(store, then, hours)
    stale = _stored(store, vintage, hours, commitments=False)
    store.add(_with_zeros([_row(one, vintage) for one in costs], [s for s in stale if s.component != "overhead"]))
    money = {
        (row["hour"], row["side"], row["pool"]): row["usd"]
        for row in store.ask(_PACKAGE, "vintage_money", vintage=vintage.name, hours=hours)
    }
    begins = {"api": firsts["api"], "self_hosted": own_begin(then, firsts)}
    extra = [_row(row, vintage) for o in then.overheads for row in overhead_hours(o, hours, money, begins[o.side])]
    store.add(_with_zeros(extra, [s for s in stale if s.component == "overhead"]))


def _unused(store: Store, then: Declared, vintage: Vintage, hours: Iterable[datetime], closed: datetime) -> None:
    """Write what commitments pay for without its being used, in the months of some hours."""
    months = sorted({hour.date().replace(day=1) for hour in hours})
    metered: dict[date, dict[str, Decimal]] = {month: {} for month in months}
    for row in store.ask(_PACKAGE, "vintage_months", vintage=vintage.name, months=months, closed=closed):
        metered[row["month"]][row["provider"]] = row["metered"]
    for month in months:
        found = [_row(one, vintage) for one in month_hours(then.commitments, month, closed, metered[month])]
        store.add(_with_zeros(found, _stored(store, vintage, _hours_of(month), commitments=True)))


def _hours_of(month: date) -> list[datetime]:
    hour, out = datetime(month.year, month.month, 1, tzinfo=UTC), []
    while hour.month == month.month:
        out.append(hour)
        hour += _HOUR
    return out


def _stored(store: Store, vintage: Vintage, hours: list[datetime], *, commitments: bool) -> list[VintageHour]:
    rows = store.ask(_PACKAGE, "vintage_declared", vintage=vintage.name, hours=hours, commitments=commitments)
    return [VintageHour(**row, usd=Decimal(0), usd_approximate=Decimal(0), unpriced_tokens=0) for row in rows]


def _row(one: CostHour, vintage: Vintage) -> VintageHour:
    return VintageHour(
        **{**asdict(one), "vintage": vintage.name}, counted="declared", usd_approximate=Decimal(0), unpriced_tokens=0
    )


def _with_zeros(rows: list[VintageHour], stale: list[VintageHour]) -> list[VintageHour]:
    """Return rows plus a zero for each stored key that they no longer have."""
    keys = {replace(row, usd=Decimal(0)) for row in rows}
    return [*rows, *(row for row in stale if row not in keys)]
