"""Splitting money: nothing lost, nothing negative, cases C19 and C20; unit costs that may be none."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.costing.allocation import allocate, micro, per, split, token_rates, usd, work
from ledger.costing.overheads import of_month


@given(total=st.integers(0, 10**9), weights=st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_a_split_adds_up(total, weights):
    """I1: the parts are the whole to the micro-dollar, none is negative, and each is within 1 of its share."""
    parts = split(total, weights)
    assert all(part >= 0 for part in parts)
    scaled = [round(w * 1e9) for w in weights]
    if sum(scaled) == 0:
        assert parts == [0] * len(weights)
    else:
        assert sum(parts) == total
        assert all(abs(p - total * w / sum(scaled)) <= 1 for p, w in zip(parts, scaled, strict=True))


def test_ties_go_to_the_lower_index():
    assert split(10, [1, 1, 1]) == [4, 3, 3]


def test_c19_no_request_leaves_the_money_idle(cases):
    case = cases["C19"]
    parts, idle = allocate(case["inputs"]["node_microusd"], [])
    assert {"allocated": sum(parts), "idle": idle, "sum": sum(parts) + idle} == case["expected"]


def test_a_request_without_work_costs_nothing():
    """C18's numbers: weights 1 / 0.05 / 5 of five requests."""
    parts, idle = allocate(1_000_000, [1500, 4400, 4200, 0, 1998])
    assert parts == [123_987, 363_697, 347_165, 0, 165_151]
    assert idle == 0


def test_c20_a_rate_split_between_input_and_output(cases):
    case = cases["C20"]["inputs"]
    for ratio, expected in zip(case["ratios"], cases["C20"]["expected"]["out_in_usd_per_mtok"], strict=True):
        into, out = token_rates(case["usd_per_hour"], case["in_tok_s"], case["out_tok_s"], ratio)
        assert [round(out, 6), round(into, 6)] == expected


@given(st.floats(0.01, 1000), st.floats(0, 1e5), st.floats(0.001, 1e5), st.floats(0.1, 20))
def test_any_ratio_reconciles_with_the_rate(rate, into, out, ratio):
    """Invariant 7: input rate x input + output rate x output is the money per second, whatever the ratio."""
    rates = token_rates(rate, into, out, ratio)
    assert rates[0] * into / 1e6 + rates[1] * out / 1e6 == pytest.approx(rate / 3600)


def test_no_tokens_no_rate():
    assert token_rates(2.0, 0, 0) is None


@given(st.decimals(0, 10**6, places=6), st.integers(-5, 0))
def test_no_units_no_unit_cost(cost, units):
    """I16: zero units give money and no unit rate."""
    assert per(cost, units) is None
    assert per(None, 5) is None


def test_micro_dollars_and_back():
    assert usd(micro(Decimal("2.690001"))) == Decimal("2.690001")
    assert work(1000, 100, 10) == 1045


@pytest.mark.parametrize("month", [datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)])
@pytest.mark.parametrize("amount", ["800", "90", "0.000001", "123456.789012"])
def test_a_monthly_sum_is_given_out_whole(month, amount):
    days = 28 if month.month == 2 else 31
    parts = [of_month(Decimal(amount), month + timedelta(hours=h)) for h in range(24 * days)]
    assert sum(parts) == Decimal(amount)
    assert max(parts) - min(parts) <= Decimal("0.000001")
