"""Days of any zone add up to their range, in money and requests: I3, GV22 to GV26; half-hour zones and both DST days."""

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from made import request

from ledger.costing import report
from ledger.costing.declared import Declared, Pool
from ledger.costing.tick import tick
from ledger.prices.book import END, Override
from ledger.prices.register import PriceRegister
from ledger.records import GpuRate, UsageBucket

FIRST, LAST = datetime(2026, 10, 22, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC)
ZONES = [
    "UTC",
    "America/New_York",
    "America/Los_Angeles",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
]


@pytest.fixture
def fortnight(store):
    """600 priced requests, some of them repeated after a failure, and a pool of one GPU at 1 USD an hour, over both DST days."""
    PriceRegister(
        store,
        [
            Override(name, "m", input=Decimal(1), output=Decimal(3), cache_read=Decimal("0.1"))
            for name in ("openai", "elsewhere", "daily")
        ],
    ).resolve([(name, "m", "standard", "") for name in ("openai", "elsewhere", "daily")], FIRST)
    rng = random.Random(7)
    rows = []
    for n in range(600):
        at = FIRST + timedelta(seconds=rng.randrange(int((LAST - FIRST).total_seconds())))
        again = n % 9 == 0
        rows.append(request(at, n, model="m", input_fresh=rng.randrange(10**6), output=rng.randrange(10**5), request_key=f"r{n}",
                            status=408 if again else 200))  # fmt: skip
        if again:
            rows.append(
                request(
                    at + timedelta(minutes=20),
                    f"{n}b",
                    model="m",
                    input_fresh=9,
                    output=9,
                    request_key=f"r{n}",
                    attempt=2,
                )
            )
    for n in range(60):  # another provider, known from its reports by the hour, and one by the day
        at = (FIRST + timedelta(hours=5 * n)).replace(minute=0)
        reported = UsageBucket(
            "s", "a", "elsewhere", "v", at, 3600, "m", input_fresh=rng.randrange(10**6), output=n + 1, n_requests=n
        )
        store.add([reported])
    for n in range(13):
        at = (FIRST + timedelta(days=n)).replace(hour=0)
        store.add([UsageBucket("s", "a", "daily", "v", at, 86_400, "m", cache_read=rng.randrange(10**6), n_requests=7)])
    store.add([row for row in rows if row.at.month == 10])
    store.add([row for row in rows if row.at.month == 11])
    tick(
        store,
        Declared(rates=(GpuRate("lab", "rented", 1, Decimal(1), FIRST, END, FIRST),), pools=(Pool("lab", 1),)),
        LAST,
    )
    return rows


def model_of(rows, zone):
    """Attempt tokens by local day, computed without the ledger."""
    out = defaultdict(int)
    for row in rows:
        out[row.at.astimezone(zone).date()] += row.input_fresh + row.output
    return dict(out)


def midnight(day, zone):
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def test_days_add_up_to_their_range(store, fortnight):
    """Asked singly, as buckets and as one range: the same requests, tokens and dollars; tokens as an independent model has them."""
    for name in ZONES:
        days_add_up(store, fortnight, ZoneInfo(name))


def days_add_up(store, fortnight, zone):
    days = [date(2026, 10, 24) + timedelta(days=n) for n in range(10)]
    spans = [(midnight(day, zone), midnight(day + timedelta(days=1), zone)) for day in days]
    singly = [report.cost(store, by=["side"], since=a, until=b, zone=zone) for a, b in spans]
    _, whole = report.cost(store, by=["side"], since=spans[0][0], until=spans[-1][1], zone=zone)
    buckets, again = report.cost(store, by=["side"], since=spans[0][0], until=spans[-1][1], bucket="day", zone=zone)
    for figure in ("requests", "successful_requests", "total_input", "output", "cost", "attempts", "reported_cost"):
        assert sum(getattr(total, figure) for _, total in singly) == getattr(whole, figure) == getattr(again, figure), (
            figure
        )
    by_provider = {
        day: report.cost(store, by=["provider"], since=a, until=b, zone=zone)[0]
        for day, (a, b) in zip(days, spans, strict=True)
    }
    expected = model_of(fortnight, zone)
    for day, (start, _), (_, total) in zip(days, spans, singly, strict=True):
        logged = next(r for r in by_provider[day] if r.group["provider"] == "openai")
        assert logged.total_input + logged.output == expected.get(day, 0), day
        shown = [row for row in buckets if row.group["bucket"] == f"{start:%Y-%m-%dT%H:%M:%SZ}"]
        assert sum(row.cost for row in shown) == total.cost
    parts, _ = report.cost(store, by=["component"], since=spans[0][0], until=spans[-1][1], bucket="day", zone=zone)
    assert sum(row.cost for row in parts) == whole.cost


DAYS = [
    ("Europe/Berlin", date(2026, 10, 25), 25), ("America/New_York", date(2026, 11, 1), 25), ("Asia/Kolkata", date(2026, 10, 30), 24),
    ("Australia/Lord_Howe", date(2026, 10, 30), 24),
]  # fmt: skip


def spends(store, days):
    """Requests of some instants whose costs add up to the given dollars, at 1 USD per million tokens."""
    PriceRegister(store, [Override("openai", "m", input=Decimal(1))]).resolve([("openai", "m", "standard", "")], FIRST)
    for first, usd, n in days:
        tokens, hour = int(Decimal(usd) * 10**6), timedelta(hours=24) / n
        store.add([
            request(first + k * hour, f"{first}{k}", model="m", input_fresh=tokens * (k + 1) // n - tokens * k // n) for k in range(n)
        ])  # fmt: skip
    tick(store, Declared(), LAST)


@pytest.mark.parametrize("name", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_gv22_a_day_is_not_widened_by_its_zone(store, name):
    """Three days asked singly and as a range: 0.1566 / 106, 2.0978 / 1,122, 2.9718 / 1,218; together 5.2262 / 2,446."""
    zone = ZoneInfo(name)
    told = [("0.1566", 106), ("2.0978", 1122), ("2.9718", 1218)]
    nights = [midnight(date(2026, 2, 23 + n), zone) for n in range(4)]
    spends(store, [(night, *day) for night, day in zip(nights, told, strict=False)])
    for n, (usd, requests) in enumerate(told):
        _, total = report.cost(store, since=nights[n], until=nights[n + 1], zone=zone)
        assert (total.cost, total.requests) == (Decimal(usd), requests)
    _, total = report.cost(store, since=nights[0], until=nights[3], zone=zone)
    assert (total.cost, total.requests) == (Decimal("5.2262"), 2446)


def test_gv23_five_local_days_are_their_range(store):
    """Viewer at +05:30 over UTC rollups: 701.39 USD and 1,831 requests in five days, singly and as one range."""
    zone = ZoneInfo("Asia/Kolkata")
    nights = [midnight(date(2026, 10, 1 + n), zone) for n in range(7)]
    told = [("200.07", 500), ("101.01", 331), ("150.31", 400), ("50", 100), ("200", 500)]
    spends(
        store,
        [
            (nights[0] - timedelta(days=1), "33", 50),
            *((nights[n], *day) for n, day in enumerate(told)),
            (nights[5], "44", 60),
        ],
    )
    singly = [report.cost(store, since=nights[n], until=nights[n + 1], zone=zone)[1] for n in range(5)]
    _, whole = report.cost(store, since=nights[0], until=nights[5], zone=zone)
    assert sum(one.cost for one in singly) == whole.cost == Decimal("701.39")
    assert sum(one.requests for one in singly) == whole.requests == 1831


def test_gv25_a_dollar_an_hour_costs_what_the_day_is_long(store, fortnight):
    for name, day, hours in DAYS:
        zone = ZoneInfo(name)
        since, until = midnight(day, zone), midnight(day + timedelta(days=1), zone)
        rows, _ = report.cost(store, by=["side"], since=since, until=until, zone=zone)
        assert {row.group["side"]: row.cost for row in rows}["self_hosted"] == hours, name


def test_gv24_the_day_is_that_of_the_zone(store):
    store.add([request(datetime(2025, 1, 1, 23, 30, tzinfo=UTC), 1)])
    tick(store, Declared(), datetime(2025, 1, 3, tzinfo=UTC))
    for name, day in (
        ("UTC", "2025-01-01T00:00:00Z"),
        ("Asia/Shanghai", "2025-01-01T16:00:00Z"),
        ("Asia/Kolkata", "2025-01-01T18:30:00Z"),
    ):
        rows, _ = report.cost(store, by=["side"], bucket="day", zone=ZoneInfo(name))
        assert [row.group["bucket"] for row in rows if row.requests] == [day]


def test_gv26_the_last_day_asked_for_is_in(store, fortnight):
    zone = ZoneInfo("America/New_York")
    last = date(2026, 11, 3)
    single = report.cost(store, since=midnight(last, zone), until=midnight(last + timedelta(days=1), zone), zone=zone)[
        1
    ]
    ranged, _ = report.cost(store, since=midnight(last - timedelta(days=5), zone), until=midnight(last + timedelta(days=1), zone), bucket="day",
                            by=["side"], zone=zone)  # fmt: skip
    assert single.requests > 0
    assert sum(row.requests for row in ranged if row.group["bucket"] == "2026-11-03T05:00:00Z") == single.requests


def test_a_zone_that_is_cut_only_in_one_season_is_cut_there(store):
    """Lord Howe is 10:30 ahead in its winter and 11:00 in its summer; a range from summer to summer holds both."""
    zone = ZoneInfo("Australia/Lord_Howe")
    at = midnight(date(2026, 6, 10), zone) - timedelta(minutes=10)
    store.add([request(at, 1), request(at + timedelta(minutes=20), 2)])
    tick(store, Declared(), at + timedelta(days=1))
    span = {"since": midnight(date(2026, 1, 5), zone), "until": midnight(date(2026, 12, 5), zone)}
    rows, _ = report.cost(store, by=["side"], bucket="day", zone=zone, **span)
    assert [(row.group["bucket"], row.requests) for row in rows] == [
        ("2026-06-08T13:30:00Z", 1),
        ("2026-06-09T13:30:00Z", 1),
    ]


def test_sql_says_the_same(store, fortnight):
    """The documented views, grouped by the local day: what people write themselves."""
    for name in ("UTC", "America/New_York", "Europe/Berlin"):
        statement = f"SELECT toDate(hour, '{name}') AS day, sum(usd) FROM v_cost_hourly GROUP BY day ORDER BY day"
        rows, _ = report.cost(store, by=["side"], bucket="day", zone=ZoneInfo(name))
        days = defaultdict(Decimal)
        for row in rows:
            start = datetime.fromisoformat(row.group["bucket"]).astimezone(ZoneInfo(name))
            days[start.date()] += row.cost
        assert dict(store.read(statement)[1]) == {day: usd for day, usd in days.items() if usd}
