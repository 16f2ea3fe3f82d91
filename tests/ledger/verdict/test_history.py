"""What verdicts rest on: binned load read either way, own cost day by day, and what is unknown."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from made import request

from ledger.costing.declared import Declared, Pool
from ledger.costing.tick import tick
from ledger.prices.book import BEGIN, END, Override
from ledger.prices.register import PriceRegister
from ledger.records import Deployment, GpuRate, Workload
from ledger.verdict.explain import priced
from ledger.verdict.history import boxes, read
from ledger.verdict.states import Limits
from ledger.verdict.weigh import Settings, facts_at, signs, weigh
from ledger.verdict.whatif import Change, whatif

NOW = datetime(2026, 11, 25, tzinfo=UTC)
DAY = timedelta(days=1)


def declared(rates=True):
    """Two boxes, two workloads, an API."""
    return Declared(
        rates=(GpuRate("lab", "rented", 2, Decimal("0.50"), BEGIN, END, BEGIN),) if rates else (),
        pools=(Pool("lab", 2),),
        deployments=(
            Deployment("api", "api", "openai", "m", "", [], 1, 0, 0, 0, 0, "", BEGIN),
            Deployment("own", "self_hosted", "own", "llama", "lab", [], 1, 1e-4, 1e-5, 0.002, 1e-9, "A", BEGIN),
            Deployment("small", "self_hosted", "own", "tiny", "lab", [], 1, 1e-5, 0.0, 0.001, 0.0, "A", BEGIN),
        ),
        workloads=tuple(Workload(n, "", "{}", ["api", "own", "small"], 1.0, BEGIN) for n in ("w", "x")),
    )


def api(at, name, workload="w", output=1_000):
    return request(at, name, workload=workload, model="m", input_fresh=300, cache_read=200, output=output)


def own(at, name, workload="w", output=1_000):
    return replace(api(at, name, workload, output), side="self_hosted", provider="own", model="llama", deployment="own")


@pytest.fixture
def prices(store):
    return PriceRegister(store, [Override("openai", "m", input=Decimal(1), cache_read=Decimal(1), output=Decimal(40))])


def keep(store, prices, rows, given=None):
    prices.resolve([("openai", "m", "standard", "")], NOW)
    for month in sorted({row.at.month for row in rows}):
        store.add([row for row in rows if row.at.month == month])
    given = given or declared()
    tick(store, given, NOW)
    return given


def test_load_is_the_same_however_its_rows_lie(store, prices):
    """w runs in one place, x on both sides at once: every bucket counts once, with the work of all its rows."""
    hour = NOW - 2 * DAY
    rows = [api(hour + timedelta(seconds=7 * n), f"w{n}", output=500 + n) for n in range(40)]
    rows += [api(hour + timedelta(seconds=20 * n), f"x{n}", "x") for n in range(20)]
    rows += [own(hour + timedelta(seconds=20 * n + 5), f"y{n}", "x") for n in range(20)]
    given = keep(store, prices, rows)
    found = read(store, prices, given, NOW, 28)
    span = {"from": hour, "to": NOW}
    assert [r["workload"] for r in store.ask("ledger.verdict", "several_places", **span)] == ["x"]
    kv = 500 * 1_000 + 1_000 * 1_000 / 2
    one = 1e-4 * 300 + 1e-5 * 200 + 0.002 * 1_000 + 1e-9 * kv
    x = found["x"].load["own"][0]
    assert (x.buckets, sum(n for n, _ in x.bins.values())) == (8640, 20)
    assert x.peak == pytest.approx(2 * one / 10)
    works = [1e-4 * 300 + 1e-5 * 200 + 0.002 * o + 1e-9 * (500 * o + o * o / 2) for o in range(500, 540)]
    assert found["w"].load["own"][0].mean == pytest.approx(sum(works) / 86_400)
    boxes_of_w = [("w", d) for d in given.own]
    lists = {
        "uncached": [d.s_per_uncached for _, d in boxes_of_w], "cached": [d.s_per_cached for _, d in boxes_of_w],
        "output": [d.s_per_output for _, d in boxes_of_w], "kv": [d.s_per_kv for _, d in boxes_of_w],
        "workloads": ["w"], "starts": [1], "counts": [2], "width": 10,
    }  # fmt: skip
    quick, summed = (store.ask("ledger.verdict", q, **lists, **span) for q in ("load_days", "load_days_summed"))
    assert quick == [{**row, "total": pytest.approx(row["total"])} for row in summed]
    assert {row["pair"] for row in quick} == {1, 2}


def test_own_gpus_cost_on_the_days_they_ran_for_it(store, prices):
    """Ten days on the API, then own; x shares the pool on one day, nobody works on the last two: 24 USD a day."""
    rows = [api(NOW - (20 - d) * DAY, f"a{d}") for d in range(10)]
    rows += [own(NOW - (20 - d) * DAY, f"o{d}") for d in range(10, 18)]
    rows += [own(NOW - 5 * DAY, "shared", "x")]
    found = read(store, prices, keep(store, prices, rows), NOW, 28)
    daily = 2 * 0.5 * 24
    assert found["w"].own_usd[:10] == [0.0] * 10
    assert found["w"].own_usd[10:15] == [daily] * 5
    assert found["w"].own_usd[15:] == pytest.approx([daily / 2, daily, daily, *[daily * 8 / 9] * 2])
    assert found["x"].own_usd[0] == pytest.approx(daily / 2)


def test_what_nobody_paid_for_is_unknown(store, prices):
    """Own traffic without a rate: today's cost is unknown, nothing is advised, and what-if does not invent it."""
    rows = [own(NOW - (3 - d) * DAY + timedelta(hours=h), f"o{d}-{h}") for d in range(3) for h in range(24)]
    settings = Settings(limits=Limits(min_days=1))
    given = keep(store, prices, rows, declared(rates=False))
    history = read(store, prices, given, NOW, 28)["w"]
    assert set(history.own_usd) == {None}
    weighed = weigh(history, 2, boxes(given, NOW), settings)
    assert weighed.facts.current_usd is None
    weighed = replace(weighed, judgement=replace(weighed.judgement, verdict="api"))
    assert signs(history, 2, weighed, settings).missing == "today's cost unknown"
    told = replace(weighed, facts=replace(weighed.facts, current_usd=1.0))
    assert signs(history, 2, told, settings).missing == ""
    known = keep(store, prices, rows[:1])
    history = read(store, prices, known, NOW, 28)["w"]
    facts = facts_at(history, 2, boxes(known, NOW), settings)
    assert facts.current_usd == pytest.approx(3 * 24.0)
    assert whatif(facts, Change(volume=2.0), {}).then.saving_month is None
    dearer = priced(facts, 3.0).api[0]
    assert (dearer.usd, dearer.usd_low) == (3 * facts.api[0].usd, 3 * facts.api[0].usd_low)
