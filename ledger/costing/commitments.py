"""Promised minimum spend: what metered use of a month does not consume is a line of its own (economics 3.4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ledger.costing.allocation import micro, usd
from ledger.records import CostHour

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from ledger.records import Commitment
    from ledger.store import Store

_HOUR = timedelta(hours=1)
ZERO = Decimal(0)


def unused(promised: Decimal, metered: Decimal) -> Decimal:
    """Return what is paid without having been used; overheads consume nothing of it."""
    return max(ZERO, promised - metered)


def rebuild(store: Store, promises: Sequence[Commitment], months: Iterable[datetime], closed: datetime) -> None:
    """Book the unused part of each commitment in whole months, evenly over their hours up to the last closed one.

    The running month owes the part of the promise that its closed hours make; metered use beyond that is not lost,
    it lowers what later hours of the month can leave unused. Two promises to one provider add up.
    """
    wanted = sorted({month.astimezone(UTC).date().replace(day=1) for month in months})
    if not wanted:
        return
    asked = {"months": wanted, "closed": closed, "providers": sorted({one.provider for one in promises})}
    rows = store.ask("ledger.costing", "metered_months", **asked) if promises else []
    metered = {(row["provider"], row["month"]): row["metered"] for row in rows}
    booked = [
        (row["provider"], row["month"], row["hour"])
        for row in store.ask("ledger.costing", "unused_hours", months=wanted)
    ]
    for month in wanted:
        found = month_hours(promises, month, closed, {p: m for (p, at), m in metered.items() if at == month})
        keys = {(row.provider, row.hour) for row in found}
        stale = [(provider, hour) for provider, at, hour in booked if at == month]
        store.add([*found, *(_row(p, hour, ZERO) for p, hour in stale if (p, hour) not in keys)])


def month_hours(
    promises: Sequence[Commitment], month: date, closed: datetime, metered: dict[str, Decimal]
) -> list[CostHour]:
    """Return the unused part of the promises of one month, by provider and hour; `metered` is USD of the month."""
    out: list[CostHour] = []
    for provider in sorted({one.provider for one in promises}):
        owed, hours = ZERO, set[datetime]()
        for one in promises:
            if one.provider == provider:
                part, covered = _owed(one, month, closed)
                owed, hours = owed + part, hours | set(covered)
        out += _spread(provider, unused(owed, metered.get(provider, ZERO)), sorted(hours))
    return out


def _owed(one: Commitment, month: date, closed: datetime) -> tuple[Decimal, list[datetime]]:
    """Return the part of a promise that the closed hours of a month make, and those hours."""
    whole = list(_hours(month))
    held = [hour for hour in whole if one.valid_from <= hour < one.valid_to and hour < closed]
    return one.usd_per_month * len(held) / len(whole), held


def _hours(month: date) -> Iterator[datetime]:
    hour = datetime(month.year, month.month, 1, tzinfo=UTC)
    while hour.month == month.month:
        yield hour
        hour += _HOUR


def _spread(provider: str, amount: Decimal, hours: list[datetime]) -> Iterator[CostHour]:
    """Yield an amount over hours in whole micro-dollars that add up to it."""
    whole, n = micro(amount), len(hours)
    for index, hour in enumerate(hours):
        part = whole * (index + 1) // n - whole * index // n
        if part:
            yield _row(provider, hour, usd(part))


def _row(provider: str, hour: datetime, amount: Decimal) -> CostHour:
    given: dict[str, Any] = dict.fromkeys(("model", "deployment", "pool", "workload", "team", "environment"), "")
    return CostHour(
        hour, "api", provider, **given, component="commitment_unused", basis="allocation", vintage="booked", usd=amount
    )
