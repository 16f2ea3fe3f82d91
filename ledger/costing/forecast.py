"""Where a running day or month ends if it goes on as it began: in its own window, never another one; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from ledger.costing.report import Cost


@dataclass(frozen=True, slots=True)
class Running:
    """A day or month that is not over: what it has cost so far, and what it will at this rate."""

    start: datetime
    end: datetime
    spent: Decimal
    at_this_rate: Decimal

    def json(self) -> dict[str, Any]:
        """Return the documented shape."""
        return {
            "start": f"{self.start:%Y-%m-%dT%H:%M:%SZ}", "end": f"{self.end:%Y-%m-%dT%H:%M:%SZ}",
            "spent": f"{self.spent:f}", "at_this_rate": f"{self.at_this_rate:f}",
        }  # fmt: skip


def at_this_rate(spent: Decimal, start: datetime, end: datetime, now: datetime) -> Decimal | None:
    """Return what a window costs in the end at the rate so far; None before an hour of it has passed."""
    passed, whole = min(now, end) - start, end - start
    if passed < timedelta(hours=1):
        return None
    return (spent * Decimal(str(whole / passed))).quantize(Decimal("1e-6"))


def running(rows: Sequence[Cost], bucket: str, zone: ZoneInfo, now: datetime) -> Running | None:
    """Return the running day or month among rows by bucket; None without one, or if nothing of it is known."""
    if bucket not in ("day", "month"):
        return None
    start, end = window(bucket, zone, now)
    known = [row.cost for row in rows if row.group["bucket"] == f"{start:%Y-%m-%dT%H:%M:%SZ}" and row.cost is not None]
    spent = sum(known, Decimal(0))
    forecast = at_this_rate(spent, start, end, now) if known else None
    return None if forecast is None else Running(start, end, spent, forecast)


def window(bucket: str, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """Return start and end of the day or month of a zone that an instant lies in."""
    local = now.astimezone(zone)
    first = local.date() if bucket == "day" else local.date().replace(day=1)
    later = first + timedelta(days=1 if bucket == "day" else 32)
    last = later if bucket == "day" else later.replace(day=1)
    start, end = (datetime(d.year, d.month, d.day, tzinfo=zone).astimezone(UTC) for d in (first, last))
    return start, end
