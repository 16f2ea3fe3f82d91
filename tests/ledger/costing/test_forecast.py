"""A running window at its rate: GV29, in its own window and zone, over a DST day."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from ledger.costing.forecast import at_this_rate, running, window
from ledger.costing.report import Cost

D = Decimal
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


def rows(bucket, *costs):
    counts = dict.fromkeys(("requests", "successful_requests", "total_input", "output", "unpriced_tokens"), 0)
    return [Cost({"bucket": bucket}, **counts, no_usage=0, attempts=0, cost=cost) for cost in costs]


def test_gv29_a_daily_budget_is_forecast_in_its_day():
    """Daily budget 10, spend 4 by noon at a flat rate: 8 for the day, no alert; not 240 of a month against 10."""
    found = running(rows("2026-11-10T00:00:00Z", D(3), D(1)), "day", ZoneInfo("UTC"), NOON)
    assert (found.spent, found.at_this_rate) == (D(4), D(8))
    assert found.at_this_rate < 10


@pytest.mark.parametrize(
    ("zone", "bucket", "hours"),
    [
        ("UTC", "day", 24),
        ("Europe/Berlin", "month", 720),
        ("Asia/Kolkata", "day", 24),
        ("America/New_York", "month", 721),
    ],
)
def test_a_window_is_that_of_the_zone(zone, bucket, hours):
    start, end = window(bucket, ZoneInfo(zone), NOON)
    assert start <= NOON < end
    assert end - start == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("day", "hours"), [(datetime(2026, 3, 29, 12, tzinfo=UTC), 23), (datetime(2026, 10, 25, 12, tzinfo=UTC), 25)]
)
def test_a_day_of_dst_is_as_long_as_it_is(day, hours):
    start, end = window("day", ZoneInfo("Europe/Berlin"), day)
    assert end - start == timedelta(hours=hours)


def test_too_early_or_unknown_is_no_forecast():
    day = datetime(2026, 11, 10, tzinfo=UTC)
    assert at_this_rate(D(1), day, day + timedelta(days=1), day + timedelta(minutes=59)) is None
    assert at_this_rate(D(5), day, day + timedelta(days=1), day + timedelta(days=3)) == D(5)
    zone = ZoneInfo("UTC")
    assert running(rows("2026-11-10T00:00:00Z", None), "day", zone, NOON) is None
    assert running(rows("2026-11-09T00:00:00Z", D(4)), "day", zone, NOON) is None
    assert running(rows("2026-11-10T12:00:00Z", D(4)), "hour", zone, NOON) is None
