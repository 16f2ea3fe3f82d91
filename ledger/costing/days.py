"""Whole days of money and usage: the sums of their hours, rebuilt when an hour of them was."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ledger.costing.mark import LATE_NS
from ledger.records import SourceState

if TYPE_CHECKING:
    from datetime import datetime

    from ledger.store import Store

_PACKAGE = "ledger.costing"
_DAY = timedelta(days=1)


def rebuild_days(store: Store) -> int:
    """Bring the daily tables up to the hourly ones; return how many days were rebuilt.

    The watermark moves last: killed anywhere and run again, the same.
    """
    rows = store.ask("ledger.store", "cursor", source="tick", name="days")
    after = int(rows[0]["value"]) if rows else 0
    since = min(after, store.next_ver())  # where a clock was ahead, the watermark is too
    dirty = store.ask(_PACKAGE, "dirty_days_of_hours", after=max(0, since - LATE_NS) if store.server else since)
    months: dict[tuple[int, int], list[datetime]] = {}
    for row in dirty:
        months.setdefault((row["day"].year, row["day"].month), []).append(row["day"])
    for days in months.values():  # an insert is one partition
        span = {"from": days[0], "to": days[-1] + _DAY}
        for table in ("cost_daily", "usage_daily"):
            store.tell(_PACKAGE, table, ver=store.next_ver(), days=days, **span)
    latest = max((row["seen"] for row in dirty), default=after)
    if latest != after:
        store.add([SourceState("tick", "days", str(latest))])
    return len(dirty)
