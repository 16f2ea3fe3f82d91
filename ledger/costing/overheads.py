"""Running costs beside tokens and GPUs, hour by hour."""

from __future__ import annotations

import calendar
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ledger.costing.allocation import micro, usd
from ledger.records import CostHour

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from ledger.costing.declared import Declared
    from ledger.records import Overhead


def overhead_hours(
    one: Overhead,
    hours: list[datetime],
    money: dict[tuple[datetime, str, str], Decimal],
    begin: datetime | None,
) -> Iterator[CostHour]:
    """Yield the money of one overhead, hour by hour."""
    for hour in hours:
        if begin is None or hour < _floor(begin) or not one.valid_from <= hour < one.valid_to:
            continue
        if one.unit == "share":
            amount = one.amount * sum(
                (part for (at, side, pool), part in money.items()
                 if at == hour and side == one.side and one.pool in ("", pool)),
                Decimal(0),
            )  # fmt: skip
        elif one.unit == "usd_per_month":
            amount = of_month(one.amount, hour)
        else:
            amount = one.amount
        yield CostHour(
            hour, one.side, one.name, "", "", one.pool, "", "", "", "overhead", "allocation", "booked",
            amount.quantize(Decimal("1e-12")),
        )  # fmt: skip


def of_month(amount: Decimal, hour: datetime) -> Decimal:
    """Return an hour's part of a monthly sum, in whole micro-dollars that add up to it over the calendar month."""
    hours = 24 * calendar.monthrange(hour.year, hour.month)[1]
    index = 24 * (hour.day - 1) + hour.hour
    whole = micro(amount)
    return usd(whole * (index + 1) // hours - whole * index // hours)


def own_begin(declared: Declared, firsts: dict[str, Any]) -> datetime | None:
    """Return from when pools cost: their rates say so; the first fact where a rate has no beginning."""
    starts = [r.valid_from for r in declared.rates if r.valid_from.year > 2000]
    if len(starts) < len(declared.rates) or not declared.rates:
        starts += [firsts["own"]] if firsts["own"] else []
    return min(starts, default=None)


def _floor(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)
