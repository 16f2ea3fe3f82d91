"""The verdict: each gate, each label, and what never may happen; then the same through the ledger."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import request

from ledger.costing.declared import Declared, Pool
from ledger.costing.tick import tick
from ledger.prices.book import BEGIN, END, Override
from ledger.prices.register import PriceRegister
from ledger.records import Deployment, GpuRate, Workload
from ledger.verdict.evaluate import evaluate
from ledger.verdict.history import boxes, read
from ledger.verdict.hybrid import steps
from ledger.verdict.judge import ApiOption, Facts, OwnOption, judge
from ledger.verdict.load import Load

LOAD = [0.2] * 8 + [1.4] * 6 + [2.6] * 4 + [1.4] * 6
HOURS = 672.0


def own(load=LOAD, rate=2.0, grade="A", name="own", fixed=0.0):
    mean = sum(load) / len(load)
    return OwnOption(name, rate, grade, mean * HOURS * 3600, Load.of(load), fixed)


def facts(usd=4500.0, option=None, **more):
    """28 days, everything known, running on an API that costs `usd` in the window."""
    given_ = {
        "workload": "w", "hours": HOURS, "days": 28, "coverage": 1.0, "priced_share": 1.0, "current": "api",
        "current_usd": usd, "successful_requests": 1000, "api": (ApiOption("api", usd),), "own": (option or own(),),
    }  # fmt: skip
    return Facts(**{**given_, **more})


@pytest.mark.parametrize(
    ("made", "verdict", "why"),
    [
        (facts(days=27), "insufficient_data", "27 complete days"),
        (facts(coverage=0.94), "insufficient_data", "94.0% of hours"),
        (facts(coverage=None), "insufficient_data", "no hours"),
        (facts(priced_share=0.9), "insufficient_data", "prices check"),
        (facts(option=own(grade="D")), "insufficient_capacity", "grade D"),
        (facts(option=own(grade="")), "insufficient_capacity", "grade unknown"),
        (facts(option=own(rate=None)), "insufficient_capacity", "no own deployment has a GPU rate"),
        (facts(usd=50.0, option=own(grade="E"), current_usd=50.0), "api", "volume is 4% of what a replica needs"),
        (facts(api=()), "no_options", "no API deployment"),
        (facts(own=()), "no_options", "no own deployment"),
        (facts(api=(ApiOption("api", None),)), "insufficient_data", "no declared API has a price"),
        (facts(), "hybrid", "2 replicas for the base load"),
        (facts(usd=2000.0), "api", "not at this load"),
        (facts(usd=900.0), "api", "never at this capacity"),
        (facts(option=own([1.0] * 24, rate=0.2), usd=20_000.0), "self_hosted", "hold the peak"),
        (facts(current="hybrid", current_usd=3300.0), "hybrid", "base load"),
        (facts(current="self_hosted", current_usd=3130.0), "inconclusive", "within 5 %"),
    ],
)
def test_gates_and_labels(made, verdict, why):
    found = judge(made)
    assert (found.verdict, why in found.reason) == (verdict, True), found.reason


def test_what_is_not_decided_shows_no_saving():
    found = judge(facts(days=3))
    assert (found.saving_month, found.candidate_month, found.replicas, found.flips_at) == (None, None, None, "")


def test_the_flip_value_flips():
    """10.5: just above the named GPU price the label is api, just below it is not."""
    found = judge(facts())
    edge = found.choices[0].own_first * found.choices[0].displaced
    assert f"${edge:,.2f}" in found.flips_at
    assert judge(facts(option=own(rate=edge * 1.001))).verdict == "api"
    assert judge(facts(option=own(rate=edge * 0.9))).verdict == "hybrid"


@given(usd=st.floats(100, 50_000), rate=st.floats(0.1, 20), factor=st.floats(1.0, 4.0))
def test_direction(usd, rate, factor):
    """I27: dearer GPUs alone never move a verdict towards them."""
    order = {"api": 0, "hybrid": 1, "self_hosted": 2}
    before, after = (judge(facts(usd=usd, option=own(rate=r), current="")) for r in (rate, rate * factor))
    assert order[after.verdict] <= order[before.verdict]


@given(st.permutations(["a", "b", "c"]))
def test_names_and_order_of_options_do_not_matter(names):
    """I26: the verdict depends on figures only."""
    options = tuple(own(rate=r, name=n) for n, r in zip(names, (2.0, 2.5, 3.0), strict=True))
    found = judge(facts(own=options[::-1]))
    assert (found.verdict, found.replicas, round(found.candidate_month, 6)) == (
        "hybrid", 2, round(judge(facts()).candidate_month, 6),
    )  # fmt: skip


def test_fixed_cost_of_self_hosting_counts_only_if_something_is_hosted():
    cheap = judge(facts(option=own(fixed=5000.0)))
    assert (cheap.verdict, cheap.replicas) == ("api", 0)
    assert judge(facts(option=own(fixed=10.0))).candidate_month == pytest.approx(judge(facts()).candidate_month + 10)


END_ = datetime(2026, 11, 25, tzinfo=UTC)


def ledger(store, *, grade="A", days=29, gpu="2.00", per_hour=6, output_price=60):
    """A workload with a steady load on an API, and an own deployment that could serve it: 1 replica-second a token."""
    prices = PriceRegister(store, [Override("openai", "m", input=Decimal(1), output=Decimal(output_price))])
    declared = Declared(
        rates=(GpuRate("lab", "rented", 2, Decimal(gpu), BEGIN, END, BEGIN),),
        pools=(Pool("lab", 2),),
        deployments=(
            Deployment("api", "api", "openai", "m", "", [], 1, 0, 0, 0, 0, "", BEGIN),
            Deployment("own", "self_hosted", "own", "llama", "lab", [], 1, 0.0, 0.0, 0.02, 0.0, grade, BEGIN),
        ),
        workloads=(Workload("w", "", "{}", ["api", "own"], 1.0, BEGIN),),
    )
    prices.resolve([("openai", "m", "standard", "")], END_)
    step = timedelta(hours=1) / per_hour
    rows = [
        request(END_ - timedelta(days=days) + n * step, n, model="m", input_fresh=100, output=25_000)
        for n in range(days * 24 * per_hour)
    ]
    months = {}
    for row in rows:
        months.setdefault(row.at.month, []).append(row)
    for part in months.values():
        store.add(part)
    return prices, declared


def test_a_verdict_from_the_ledger_by_hand(store):
    """4,032 requests of 25,000 output tokens at 60 USD/Mtok in 28 days; each is 500 replica-seconds in one 10-s bin.

    A = 4,032 · (100·1 + 25,000·60)/10⁶ = 6,048.4032 USD in 672 h. Work 4,032 · 500 s = 560 replica-hours, so a full
    replica-hour displaces 10.800720 USD. 6 requests an hour fall into 6 of 360 bins, each with load 50: u_1 = 6/360.
    """
    prices, declared = ledger(store)
    tick(store, declared, END_)
    (found,) = evaluate(store, prices, declared, END_)
    import json

    choice = json.loads(found.details)["judgement"]["choices"][0]
    assert float(found.api_usd_month) == pytest.approx(6048.4032 * 720 / 672, abs=0.01)
    assert choice["displaced"] == pytest.approx(10.80072, abs=1e-5)
    assert found.used_share == pytest.approx(6 / 360)
    assert found.used_share_needed == pytest.approx(2.0 / 10.80072)
    assert (found.verdict, found.current, found.coverage) == ("api", "api", 1.0)
    assert store.ask("ledger.verdict", "latest", workload="w")[0]["verdict"] == "api"


@pytest.mark.parametrize(
    ("change", "verdict"), [({"days": 20}, "insufficient_data"), ({"grade": "E"}, "insufficient_capacity")]
)
def test_too_little_is_said(store, change, verdict):
    prices, declared = ledger(store, **change)
    tick(store, declared, END_)
    (found,) = evaluate(store, prices, declared, END_)
    assert found.verdict == verdict
    assert found.saving_usd_month is None


def test_load_steps_in_sql_and_python_agree(store):
    prices, declared = ledger(store, days=3)
    tick(store, declared, END_)
    history = read(store, prices, declared, END_, 28)["w"]
    found = steps(Load.together(history.load["own"]), 3)
    expected = steps(Load.of([50.0 if i % 60 == 0 else 0.0 for i in range(3 * 8640)]), 3)
    assert [(s.overflow, s.own) for s in found] == [
        (pytest.approx(s.overflow), s.own if s.own is None else pytest.approx(s.own)) for s in expected
    ]
    assert boxes(declared, END_)["own"].usd_hour == 2


def test_a_workload_nobody_called_is_said_to_have_no_data(store):
    prices, declared = ledger(store, days=1)
    declared = replace(declared, workloads=(Workload("other", "", "{}", ["api", "own"], 1.0, BEGIN),))
    tick(store, declared, END_)
    (found,) = evaluate(store, prices, declared, END_)
    assert (found.verdict, found.coverage, found.api_usd_month) == ("insufficient_data", None, None)


def test_c06_booked_and_replayed_at_the_current_price(store, cases):
    """Fourteen days, the price falls on day 9: history is booked at the price of its day, decisions replay it at today's."""
    from datetime import UTC, datetime, timedelta

    case, expected = cases["C06"]["inputs"], cases["C06"]["expected"]
    first, days, tenth = datetime(2026, 10, 1, tzinfo=UTC), case["days"], 10
    change = first + timedelta(days=8)
    before, after = (
        {"input": Decimal(i), "output": Decimal(o)} for i, o in (case["price_until_day_8"], case["price_from_day_9"])
    )
    prices = PriceRegister(
        store, [Override("openai", "m", **before, until=change), Override("openai", "m", **after, since=change)]
    )
    prices.resolve([("openai", "m", "standard", "")], first)
    each = {name: case["per_day"][name] // tenth for name in ("input", "output")}
    store.add([
        request(first + timedelta(days=day, hours=2 * n), f"{day}-{n}", model="m", input_fresh=each["input"], output=each["output"])
        for day in range(days) for n in range(tenth)
    ])  # fmt: skip
    end = first + timedelta(days=days)
    booked = store.read("SELECT sum(cost) FROM v_requests")[1][0][0]
    rows = store.ask("ledger.verdict", "billed_days", workloads=["w"], as_of=end, **{"from": first, "to": end})
    replayed = sum(row["usd"] for row in rows)
    requests = days * case["per_day"]["requests"]
    assert booked == Decimal(expected["booked"])
    assert float(replayed) == pytest.approx(float(expected["replayed_at_current"]), rel=1e-12)
    assert float(booked / requests) == pytest.approx(float(expected["booked_per_request"]), abs=1e-9)
    assert float(replayed) / requests == pytest.approx(float(expected["replayed_per_request"]), abs=1e-9)
