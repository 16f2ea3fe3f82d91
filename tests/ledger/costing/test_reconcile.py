"""Metered against billed: cases C10, GV27, GV28; a made bill with planted defects, each named with its dollars."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import request

from ledger.costing.reconcile import reconcile
from ledger.costing.residual import CAUSES, Day, Line, decompose, scaled, together
from ledger.prices.book import Override
from ledger.prices.register import PriceRegister
from ledger.records import Charge, UsageBucket

FIRST = date(2026, 10, 1)
D = Decimal


def test_c10_metered_and_billed(cases):
    case = cases["C10"]
    given, expected = case["inputs"], case["expected"]
    metered = {name: D(usd) for name, usd in given["metered_by_workload"].items()}
    (found,) = decompose(
        [Day(FIRST, {("", ""): Line(metered_cost=sum(metered.values()), billed_cost=D(given["billed"]))})]
    )
    assert (found.difference, found.share, found.alert) == (
        D(expected["unattributed"]),
        D(str(expected["residual_share"])),
        expected["alert"],
    )
    view = scaled(metered, D(given["billed"]))
    assert {k: round(v, 10) for k, v in view.items()} == {k: D(v) for k, v in expected["scaled_view"].items()}
    assert sum(view.values()) == D(expected["sum_check"])


@pytest.mark.parametrize(
    ("metered", "billed", "residual", "coverage"),
    [("0.99", "1.10", "0.11", "0.9"), ("51.70", "96.91", "45.21", "0.533")],
    ids=["GV27", "GV28"],
)
def test_both_are_shown_with_what_is_between_them(metered, billed, residual, coverage):
    (found,) = decompose([Day(FIRST, {("m", "output"): Line(metered_cost=D(metered), billed_cost=D(billed))})])
    assert (found.difference, round(found.coverage, 3), found.alert) == (D(residual), D(coverage), True)


amounts = st.decimals(0, 1000, places=6, allow_nan=False)
lines = st.builds(
    Line,
    st.integers(0, 10**6),
    amounts,
    st.none() | st.integers(0, 10**6),
    st.none() | amounts,
    amounts,
    st.none() | amounts,
)
days = st.lists(
    st.builds(
        Day, st.just(FIRST), st.dictionaries(st.tuples(st.sampled_from("ab"), st.sampled_from(["output", "input_fresh"])), lines, max_size=4),
        st.dictionaries(st.sampled_from(["tax", "credit", "adjustment"]), amounts, max_size=2), st.booleans(),
    ),
    max_size=6,
)  # fmt: skip


@given(days)
def test_the_causes_add_up_to_the_difference(given):
    """Whatever the days are, per day and together, and nothing but the named causes is used."""
    found = decompose(given)
    for one in [*found, together(found)]:
        assert set(one.causes) == set(CAUSES)
        assert abs(sum(one.causes.values()) - one.difference) < D("1e-9")


# ---- a made bill ------------------------------------------------------------------------------------------------

PRICES = {"alpha": (D(1), D(4)), "beta": (D(3), D(15)), "gamma": (D("0.15"), D("0.6"))}
DISCOUNT = D("0.93")
N_DAYS = 30
LATE = 17
WRONG_FROM = 20
TAX = D("7.77")
START = datetime(2026, 10, 1, tzinfo=UTC)
END = START + timedelta(days=N_DAYS)


def rounded(usd):
    return usd.quantize(D("1e-12"))


@pytest.fixture
def bill(store):
    """Thirty days of three models: what was metered, what the provider reports, and a bill with planted defects.

    Aborted streams: 5 % of alpha's output is reported and not metered. From day 20 on beta's output is billed at 18 in
    place of 15. Everything has 7 % off. Day 17 is billed with day 18. One tax line. Returns what each is worth.
    """
    overrides = [Override("openai", m, input=i, output=o) for m, (i, o) in PRICES.items()]
    prices = PriceRegister(store, overrides)
    prices.refresh(START)
    prices.resolve([("openai", m, "standard", "") for m in PRICES], START)
    planted = {"missing_usage": D(0), "price": D(0), "discount": D(0), "tax": TAX}
    requests, buckets, charges = [], [], []
    held: dict[tuple[str, str], Decimal] = {}
    for day in range(N_DAYS):
        at = START + timedelta(days=day)
        owed = {}
        for n, (model, (p_in, p_out)) in enumerate(PRICES.items()):
            metered_in, metered_out = 900_000 + 1000 * day, 300_000 + 500 * n
            reported_out = metered_out * 105 // 100 if model == "alpha" else metered_out
            hour = at + timedelta(hours=5)
            requests.append(
                request(hour, day * 10 + n, provider="openai", model=model, input_fresh=metered_in, output=metered_out)
            )
            buckets.append(UsageBucket("acme", "acme", "openai", "completions", hour, 3600, f"{model}-2026-05-01",
                                       input_fresh=metered_in, output=reported_out, n_requests=1))  # fmt: skip
            right_in, right_out = metered_in * p_in / 10**6, reported_out * p_out / 10**6
            wrong = right_out * 18 / 15 if model == "beta" and day >= WRONG_FROM else right_out
            planted["missing_usage"] += (reported_out - metered_out) * p_out / 10**6
            planted["discount"] += (DISCOUNT - 1) * (right_in + right_out)
            planted["price"] += DISCOUNT * (wrong - right_out)
            owed |= {(model, "input"): right_in * DISCOUNT, (model, "output"): wrong * DISCOUNT}
        if day == LATE:
            held = owed
            continue
        for (model, what), usd in owed.items():
            billed = rounded(usd + (held[model, what] if day == LATE + 1 else 0))
            charges.append(Charge("acme", "acme", "openai", at, at + timedelta(days=1), "usage", f"{model}, {what}_tokens", model,
                                  {"input": "input_fresh"}.get(what, what), billed_cost=billed, effective_cost=billed))  # fmt: skip
    charges.append(
        Charge(
            "acme", "acme", "openai", END - timedelta(days=1), END, "tax", "VAT", billed_cost=TAX, effective_cost=TAX
        )
    )
    store.add(requests)
    store.add(buckets)
    store.add(charges)
    return prices, planted


def test_a_made_bill_is_taken_apart(store, bill):
    """Each planted defect is named with its dollars; what nothing explains is at most 0.1 % of the bill."""
    prices, planted = bill
    found = reconcile(store, prices, START, END)
    assert [one.provider for one in found] == ["openai"] * N_DAYS
    whole = together([one.residual for one in found])
    for cause, usd in planted.items():
        assert abs(whole.causes[cause] - usd) < D("0.001"), (cause, whole.causes[cause], usd)
    assert abs(whole.causes["boundary"]) < D("0.001")
    assert abs(whole.causes["unknown"]) <= D("0.001") * whole.billed
    assert round(whole.discount_factor, 4) == DISCOUNT
    late = found[LATE].residual
    assert (late.billed, late.causes["boundary"] < 0, found[LATE + 1].residual.causes["boundary"]) == (
        0,
        True,
        -late.causes["boundary"],
    )
    rows = store.read(
        "SELECT sum(billed), sum(metered), sum(residual), sum(boundary + missing_usage + price + discount + tax + credit + fee + unknown) FROM v_reconciliation"
    )[1][0]
    assert rows[0] - rows[1] == rows[2] == rows[3]
    assert rows[0] == store.read("SELECT sum(billed_cost) FROM charges FINAL")[1][0][0]
    assert rows[1] == store.read("SELECT sum(cost) FROM v_requests")[1][0][0]


def test_reconciling_again_changes_nothing(store, bill):
    prices, _ = bill
    everything = "SELECT * EXCEPT ver FROM reconciliation FINAL ORDER BY ALL"
    reconcile(store, prices, START, END)
    before = store._client.query(everything).result_rows
    reconcile(store, prices, START, END)
    assert store._client.query(everything).result_rows == before


def test_other_currencies_are_left_out_and_named(store):
    prices = PriceRegister(store, [Override("openai", "m", input=D(1), output=D(1))])
    charge = Charge(
        "s",
        "a",
        "openai",
        START,
        START + timedelta(days=1),
        "usage",
        "line",
        "m",
        "output",
        billed_cost=D(5),
        effective_cost=D(5),
        currency="EUR",
    )
    store.add([charge])
    (one,) = reconcile(store, prices, START, START + timedelta(days=1))
    assert (one.residual.billed, one.left_out) == (0, {"EUR": D(5)})


def test_i22_a_bill_is_converted_at_the_rate_of_its_day(store):
    """10 EUR on each of three days; 1.10 until the second, 1.20 from then; a rate declared later for later changes nothing."""
    from ledger.records import FxRate

    prices = PriceRegister(store, [Override("openai", "m", input=D(1), output=D(1))])
    store.add([
        Charge("s", "a", "openai", START + timedelta(days=n), START + timedelta(days=n + 1), "usage", "line", "m", "output",
               billed_cost=D(10), effective_cost=D(10), list_cost=D(20), currency="EUR") for n in range(3)
    ])  # fmt: skip
    rates = [
        FxRate("EUR", START - timedelta(days=30), D("1.1"), START),
        FxRate("EUR", START + timedelta(days=1), D("1.2"), START),
    ]
    store.add(rates)
    found = reconcile(store, prices, START, START + timedelta(days=3))
    assert [one.residual.billed for one in found] == [11, 12, 12]
    assert not any(one.left_out for one in found)
    store.add([FxRate("EUR", START + timedelta(days=9), D("9.9"), START + timedelta(days=9))])
    again = reconcile(store, prices, START, START + timedelta(days=3))
    assert [one.residual.billed for one in again] == [11, 12, 12]
    assert store.read("SELECT sum(billed_cost), any(currency) FROM v_charges")[1] == [(D(30), "EUR")]


def test_days_before_the_first_bill_hide_nothing(store):
    """Ten days metered at 1, bills of 1.20 from the sixth on: 0.20 a day is price, none is late money; two bills taken back."""
    prices = PriceRegister(store, [Override("openai", "m", input=D(1), output=D(1))])
    prices.resolve([("openai", "m", "standard", "")], START)
    days = [START + timedelta(days=n) for n in range(10)]
    store.add([request(at, n, model="m", output=1_000_000) for n, at in enumerate(days)])
    store.add([UsageBucket("s", "a", "openai", "v", at, 3600, "m", output=1_000_000) for at in days])
    charges = [
        Charge(
            "s",
            "a",
            "openai",
            at,
            at + timedelta(days=1),
            "usage",
            "m",
            "m",
            "output",
            billed_cost=D("1.2"),
            effective_cost=D("1.2"),
        )
        for at in days[5:]
    ]
    store.add(charges)
    found = reconcile(store, prices, START, days[-1] + timedelta(days=1))
    assert [one.day.day for one in found] == [6, 7, 8, 9, 10]
    assert {k: v for k, v in together([one.residual for one in found]).causes.items() if v} == {"price": D(1)}
    store.add([replace(one, is_deleted=1) for one in charges[:2]])
    assert len(reconcile(store, prices, START, days[-1] + timedelta(days=1))) == 3
    assert store.read("SELECT count(), sum(billed) FROM v_reconciliation")[1] == [(3, D("3.6"))]


def test_a_day_partly_in_another_currency_is_unknown_not_mispriced():
    line = Line(10, D(10), 10, D(10), D(4))
    (found,) = decompose([Day(FIRST, {("m", "output"): line}, is_whole=False)])
    assert {k: v for k, v in found.causes.items() if v} == {"unknown": D(-6)}


@pytest.mark.parametrize("name", ["m", "Vendor/M-2026-05-01"])
@pytest.mark.parametrize("named", [True, False])
def test_a_bill_without_classes_is_held_against_models_or_days(store, named, name):
    """OpenRouter's kind of bill: money by model, or by nothing; usage is still compared by class."""
    prices = PriceRegister(store, [Override("openrouter", name, input=D(1), output=D(10))])
    prices.refresh(START)
    prices.resolve([("openrouter", name, "standard", "")], START)
    store.add([request(START, 1, provider="openrouter", model=name, input_fresh=1_000_000, output=100_000)])
    store.add(
        [UsageBucket("s", "a", "openrouter", "activity", START, 86_400, name, input_fresh=1_000_000, output=150_000)]
    )
    store.add(
        [
            Charge(
                "s",
                "a",
                "openrouter",
                START,
                START + timedelta(days=1),
                "usage",
                "m",
                name if named else "",
                billed_cost=D("2.5"),
                effective_cost=D("2.5"),
            )
        ]
    )
    (one,) = reconcile(store, prices, START, START + timedelta(days=1))
    assert (one.residual.metered, one.residual.difference) == (2, D("0.5"))
    assert {k: v for k, v in one.residual.causes.items() if v} == {"missing_usage": D("0.5")}
