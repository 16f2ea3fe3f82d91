"""Budgets: money planned for a day, week or month of a zone, and how the running one stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ledger.costing import report
from ledger.costing.forecast import at_this_rate

if TYPE_CHECKING:
    from ledger.store import Store

PERIODS = ("day", "week", "month")
QUIET_SHARE = 0.10
"""Share of a window at its beginning in which its forecast is not looked at."""


@dataclass(frozen=True, slots=True)
class Budget:
    """[budgets.NAME]: USD for a calendar day, week or month of `timezone`, of what the filters leave; empty is all."""

    name: str
    usd: Decimal
    per: str = "month"
    timezone: str = "UTC"
    side: str = ""
    provider: str = ""
    team: str = ""
    workload: str = ""
    thresholds: tuple[float, ...] = (0.5, 0.75, 0.9)


@dataclass(frozen=True, slots=True)
class Stand:
    """A budget's running window: what is spent of it, what it comes to at this rate, and how much of it has passed."""

    budget: Budget
    start: datetime
    end: datetime
    spent: Decimal
    forecast: Decimal | None
    passed: float


def window(per: str, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """Return start and end (UTC) of the calendar day, week (from Monday) or month of a zone that an instant lies in."""
    day = now.astimezone(zone).date()
    if per == "day":
        first, last = day, day + timedelta(days=1)
    elif per == "week":
        first = day - timedelta(days=day.weekday())
        last = first + timedelta(days=7)
    else:
        first = day.replace(day=1)
        last = (first + timedelta(days=32)).replace(day=1)
    return _midnight(first, zone), _midnight(last, zone)


def stand(store: Store, budget: Budget, now: datetime) -> Stand:
    """Return how a budget stands; the forecast is of its own window, never of another one."""
    zone = ZoneInfo(budget.timezone)
    start, end = window(budget.per, zone, now)
    wanted = {name: getattr(budget, name) for name in ("side", "provider", "team", "workload") if getattr(budget, name)}
    rows, _ = report.cost(store, by=list(wanted) or ["side"], since=start, until=now, zone=zone)
    spent = sum(
        (row.cost for row in rows if row.cost is not None and all(row.group[k] == v for k, v in wanted.items())),
        Decimal(0),
    )
    passed = (now - start) / (end - start)
    return Stand(budget, start, end, spent, at_this_rate(spent, start, end, now), passed)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
