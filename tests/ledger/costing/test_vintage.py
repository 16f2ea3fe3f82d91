"""History at the prices of another day: case C06, fresh imports priced today, and what must never move."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from made import NOW, request

from ledger.costing import report, vintage
from ledger.costing.declared import Declared, Pool
from ledger.costing.tick import tick
from ledger.costing.vintage import Vintage
from ledger.errors import ConfigError
from ledger.prices.book import BEGIN, END, Override
from ledger.prices.register import PriceRegister
from ledger.records import Commitment, GpuRate, GpuSample, Overhead, UsageBucket

DAY = datetime(2026, 11, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
BOOK = [
    ("openai", "gpt-4o-mini"), ("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4-5"), ("deepseek", "deepseek-chat"),
    ("google", "gemini-2.5-pro"), ("openai", "no-such-model"),
]  # fmt: skip


def made(store, declared, name, now=NOW):
    return vintage.refresh(store, declared, Vintage.of(name, now), now)


def total(store, **more):
    return report.cost(store, **more)[1]


def parts(store, name="booked"):
    rows = report.cost(store, by=["provider", "model", "workload", "component"], vintage=name)[0]
    return {tuple(row.group.values()): row.cost for row in rows if row.cost}


def test_c06_the_price_falls_on_day_9(store, cases):
    """14 days of 10 M in and 2 M out in 5,000 requests: booked, at today's prices, and as of the 8th day."""
    case, expected = cases["C06"]["inputs"], cases["C06"]["expected"]
    first = datetime(2026, 11, 1, tzinfo=UTC)
    cut = first + timedelta(days=8)
    old, new = case["price_until_day_8"], case["price_from_day_9"]
    overrides = [
        Override("openai", "m", Decimal(old[0]), Decimal(old[1]), until=cut),
        Override("openai", "m", Decimal(new[0]), Decimal(new[1]), since=cut),
    ]
    PriceRegister(store, overrides).resolve([("openai", "m", "standard", "")], NOW)
    each = {k: v // 10 for k, v in case["per_day"].items()}
    store.add([
        request(first + timedelta(days=d, hours=2 * n, seconds=-1 if d == 8 and n == 0 else 0), f"{d}-{n}", model="m",
                input_fresh=each["input"], output=each["output"])
        for d in range(case["days"]) for n in range(10)
        if (d, n) != (8, 0)
    ])  # fmt: skip
    store.add([request(cut, "first of day 9", model="m", input_fresh=each["input"], output=each["output"])])
    tick(store, Declared(), NOW)
    for name in ("current", "as-of:2026-11-08"):
        made(store, Declared(), name)
    assert total(store).cost == Decimal(expected["booked"])
    assert total(store, vintage="current").cost == Decimal(expected["replayed_at_current"])
    assert total(store, vintage="as-of:2026-11-08").cost == Decimal(expected["at_old_price"])
    requests = case["days"] * case["per_day"]["requests"]
    assert round(total(store).cost / requests, 10) == Decimal(expected["booked_per_request"])
    assert total(store, vintage="current").cost / requests == Decimal(expected["replayed_per_request"])


def some_requests(seed, count=400):
    rng = random.Random(seed)
    rows = []
    for n in range(count):
        provider, model = rng.choice(BOOK)
        at = DAY + timedelta(days=rng.randrange(12), seconds=rng.randrange(86_400))
        rows.append(
            request(at, n, provider=provider, model=model, workload=rng.choice("ab"), request_key=f"r{n // 2}",
                    attempt=n % 2 + 1, status=rng.choice([200, 200, 200, 429, 499]),
                    input_fresh=rng.choice([0, 900, 150_000, 260_000]), cache_read=rng.randrange(5_000),
                    cache_write_short=rng.randrange(2_000) if provider == "anthropic" else 0,
                    output=rng.randrange(4_000), n_web_search=rng.choice([None, None, 3]),
                    tier=rng.choice(["standard", "standard", "flex", "priority"]),
                    processing=rng.choice(["online", "online", "batch"]), approximate=rng.choice([0, 0, 1]),
                    usage_source=rng.choice(["provider", "provider", "estimated", "absent"]))
        )  # fmt: skip
    return rows


def emptied(store):
    for name in ("requests", "usage_hourly", "cost_hourly", "work_10s", "usage_days", "usage_buckets", "source_state"):
        store.command(f"TRUNCATE TABLE {name}")


@pytest.mark.parametrize("seed", range(2))
def test_current_is_a_fresh_import_priced_today(store, seed):
    """The same rows imported into an empty store as if they were made in the day ahead, at their time of the day."""
    names = {(p, m, v, "") for p, m in BOOK for v in ("standard", "flex", "priority", "batch")}
    PriceRegister(store).resolve(names, NOW)
    rows = some_requests(seed)
    buckets = [
        UsageBucket("s", "a", "mistral", "usage", DAY + n * HOUR, 3600, "mistral-large-latest", input_fresh=5_000 * n,
                    output=900, n_requests=3, n_web_search=None)
        for n in range(40)
    ]  # fmt: skip
    store.add(rows)
    PriceRegister(store).resolve([("mistral", "mistral-large-latest", "standard", "")], NOW)
    store.add(buckets)
    tick(store, Declared(), NOW)
    made(store, Declared(), "current")
    shown, unpriced = parts(store, "current"), total(store, vintage="current").unpriced_tokens
    approximate, reported = (getattr(total(store, vintage="current"), n) for n in ("approximate_cost", "reported_cost"))
    start = Vintage.of("current", NOW).priced_at

    def today(instant):
        return start + (instant - start) % timedelta(days=1)

    emptied(store)
    moved = [replace(row, at=today(row.at)) for row in rows]
    store.add(moved)
    several = {}
    for row in buckets:  # two days of one hour of the day become one bucket
        at = today(row.start)
        before = several.get(at)
        several[at] = replace(row, start=at) if before is None else replace(
            before, input_fresh=before.input_fresh + row.input_fresh, output=before.output + row.output,
            n_requests=before.n_requests + row.n_requests)  # fmt: skip
    store.add(list(several.values()))
    tick(store, Declared(), NOW + timedelta(days=2))
    fresh = parts(store)
    assert len(fresh) > 30
    # Attempts of a request lie elsewhere in the day ahead, so which of them is the first success may differ: by model.
    assert by_model(shown) == by_model(fresh)
    assert unpriced == total(store).unpriced_tokens > 0
    assert approximate == total(store).approximate_cost > 0
    assert reported == total(store).reported_cost > 0


def by_model(found):
    out = {}
    for (provider, model, workload, _), usd in found.items():
        out[provider, model, workload] = out.get((provider, model, workload), Decimal(0)) + usd
    return out


@pytest.fixture
def lab(store):
    """Two GPUs at 3, then 2 USD an hour; an overhead and a promise that grew; a metered model that got cheaper."""
    cut = DAY + timedelta(days=5)
    PriceRegister(store, [
        Override("openai", "m", Decimal(2), Decimal(8), until=cut),
        Override("openai", "m", Decimal(1), Decimal(4), since=cut),
    ]).resolve([("openai", "m", "standard", "")], NOW)  # fmt: skip
    declared = Declared(
        rates=(GpuRate("p", "rented", 2, Decimal(3), DAY, cut, BEGIN), GpuRate("p", "rented", 2, Decimal(2), cut, END, BEGIN)),
        pools=(Pool("p", 2),),
        overheads=(
            Overhead("on-call", "self_hosted", "", "usd_per_hour", Decimal("0.1"), BEGIN, cut, BEGIN),
            Overhead("on-call", "self_hosted", "", "usd_per_hour", Decimal("0.2"), cut, END, BEGIN),
            Overhead("support", "self_hosted", "", "share", Decimal("0.5"), BEGIN, END, BEGIN),
        ),
        commitments=(Commitment("c", "openai", Decimal(720), BEGIN, END, BEGIN),),
    )  # fmt: skip
    store.add([request(DAY + n * HOUR, n, model="m", input_fresh=1_000_000, output=100_000) for n in range(240)])
    store.add([GpuSample(DAY + n * HOUR, "h", "GPU-1", "", "p", 10.0, 50.0, None, 9_000, 100.0) for n in range(9)])
    tick(store, declared, DAY + timedelta(days=10))
    return declared


def test_rates_overheads_and_promises_are_those_of_the_day(store, lab):
    """240 hours: 2 GPUs x 2, on-call 0.2, support half of the GPUs; tokens at 1.4 an hour; the promise is used up less."""
    made(store, lab, "current", DAY + timedelta(days=10))
    rows = report.cost(store, by=["side", "provider", "component"], vintage="current")[0]
    found = {(r.group["provider"], r.group["component"]): r.cost for r in rows}
    assert sum(usd for (p, c), usd in found.items() if c.startswith("gpu_")) == 240 * 4
    assert found["on-call", "overhead"] == 48
    assert found["support", "overhead"] == 480
    assert found["openai", "input_fresh"] == 240
    assert found["openai", "output"] == 96
    owed = Decimal(720) * (9 * 24 + 240) / 720  # November up to the closed hour: the promise holds from ever on
    assert found["openai", "commitment_unused"] == owed - 336
    booked = {
        (r.group["provider"], r.group["component"]): r.cost
        for r in report.cost(store, by=["side", "provider", "component"])[0]
    }
    assert sum(usd for (p, c), usd in booked.items() if c.startswith("gpu_")) == 120 * 6 + 120 * 4


def test_booked_figures_are_the_same_bytes_before_and_after(store, lab):
    asked = [{"by": ["side", "model", "component"]}, {"bucket": "day"}, {"basis": "usage"}]
    before = [[row.json() for row in report.cost(store, **one)[0]] for one in asked]
    views = ["SELECT sum(usd), count() FROM v_cost_hourly", "SELECT sum(usd), count() FROM v_cost_daily"]
    sums = [store.read(text)[1] for text in views]
    for name in ("current", "as-of:2026-11-12"):
        made(store, lab, name, DAY + timedelta(days=10))
    assert [[row.json() for row in report.cost(store, **one)[0]] for one in asked] == before
    assert [store.read(text)[1] for text in views] == sums


def test_a_vintage_follows_what_is_booked_and_is_the_same_made_anew(store, lab):
    """Late requests change only their hours; a vintage that is dropped and made again has the same rows."""
    now = DAY + timedelta(days=10)
    first = made(store, lab, "current", now)
    assert first.hours == 240
    assert made(store, lab, "current", now).hours == 0
    store.add([request(DAY + 7 * HOUR, "late", model="m", input_fresh=5_000_000)])
    tick(store, lab, now)
    assert 0 < made(store, lab, "current", now).hours < 10
    followed = parts(store, "current")
    vintage.drop(store, "current")
    assert parts(store, "current") == {}
    assert vintage.known(store) == []
    made(store, lab, "current", now)
    assert parts(store, "current") == followed
    assert [row["vintage"] for row in vintage.known(store)] == ["current"]


def test_so_many_vintages_are_kept_and_no_more(store, lab, monkeypatch):
    now = DAY + timedelta(days=10)
    monkeypatch.setattr(vintage, "MOST", 1)
    made(store, lab, "current", now)
    made(store, lab, "current", now)
    with pytest.raises(ConfigError, match="1 vintages are kept already"):
        made(store, lab, "as-of:2026-11-12", now)
    vintage.drop(store, "current")
    assert made(store, lab, "as-of:2026-11-12", now).hours == 240


def test_another_price_makes_it_anew(store, lab):
    now = DAY + timedelta(days=10)
    made(store, lab, "current", now)
    dearer = replace(lab, rates=(lab.rates[0], replace(lab.rates[1], usd_per_gpu_hour=Decimal(5))))
    assert made(store, dearer, "current", now).hours == 240
    gpus = [
        r.cost for r in report.cost(store, by=["component"], vintage="current")[0] if "gpu_" in r.group["component"]
    ]
    assert sum(gpus) == 240 * 10


def test_days_of_a_zone_within_an_hour_add_up_in_a_vintage(store, lab):
    made(store, lab, "current", DAY + timedelta(days=10))
    whole = total(store, vintage="current").cost
    rows, days = report.cost(store, by=["side"], bucket="day", zone=ZoneInfo("Asia/Kolkata"), vintage="current")
    assert (len(rows), days.cost) == (len(rows), whole)


@pytest.mark.parametrize("name", ["yesterday", "as-of:", "as-of:2026-13-01", "as-of:2027-01-01", ""])
def test_what_is_no_vintage_is_named(name):
    with pytest.raises(ConfigError, match="--prices"):
        Vintage.of(name, NOW)


def test_a_vintage_that_is_not_there_cannot_be_dropped(store):
    with pytest.raises(ConfigError, match="none"):
        vintage.drop(store, "current")
