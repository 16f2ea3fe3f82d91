"""Periods as people write them: a month, a week, a day, a range, the last so many days."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from ledger.costing.why import Period
from ledger.errors import ConfigError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

FORMS = "2026-03, 2026-W12, 2026-03-31, 2026-03-01..2026-03-14 or 7d (complete days up to today)"
_DAYS = re.compile(r"([1-9][0-9]{0,3})d")
_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")


def period(text: str, zone: ZoneInfo, now: datetime) -> Period:
    """Return a period of whole days of a zone; raises ConfigError saying how it is written.

    A zone whose midnight is not a full hour of UTC is refused: the rollups are by UTC hours.
    """
    try:
        first, last = _days(text, now.astimezone(zone).date())
        start, end = (datetime(d.year, d.month, d.day, tzinfo=zone).astimezone(UTC) for d in (first, last))
    except (ValueError, OverflowError):
        raise ConfigError(f"period {text!r}: write {FORMS}") from None
    if not start < end:
        raise ConfigError(f"period {text!r} ends before it begins")
    if start.minute or end.minute:
        raise ConfigError(f"--timezone {zone.key}: its days begin within an hour of UTC; ask in UTC")
    return Period(start, end)


def before(one: Period, text: str, zone: ZoneInfo) -> Period:
    """Return the period before: the month before a month, else as many days."""
    first, last = (instant.astimezone(zone).date() for instant in (one.start, one.end))
    start = (first - timedelta(days=1)).replace(day=1) if _MONTH.fullmatch(text) else first - (last - first)
    return Period(datetime(start.year, start.month, start.day, tzinfo=zone).astimezone(UTC), one.start)


def _days(text: str, today: date) -> tuple[date, date]:
    """Return the first day and the day after the last."""
    if found := _DAYS.fullmatch(text):
        return today - timedelta(days=int(found[1])), today
    if found := _WEEK.fullmatch(text):
        monday = date.fromisocalendar(int(found[1]), int(found[2]), 1)
        return monday, monday + timedelta(days=7)
    if found := _MONTH.fullmatch(text):
        first = date(int(found[1]), int(found[2]), 1)
        return first, (first + timedelta(days=32)).replace(day=1)
    start, _, end = text.partition("..")
    return date.fromisoformat(start), date.fromisoformat(end or start) + timedelta(days=1)
