"""Owned hardware, economics 4.1 to 4.3: amortisation both ways, power measured and expected; by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from breakeven.config import parse
from ledger.costing import report
from ledger.costing.ownership import annuity, energy_usd, straight_line
from ledger.costing.tick import tick
from ledger.errors import ConfigError
from ledger.records import GpuSample

D = Decimal
START = datetime(2026, 11, 10, tzinfo=UTC)
POOL = {"gpus": 8, "since": START, "owned": {
    "purchase_usd": 240_000, "residual_usd": 24_000, "life_months": 36, "hosting_usd_per_month": 1_440,
    "support_usd_per_month": 720, "tariff_usd_per_kwh": 0.20, "pue": 1.25, "host_w": 1_000, "gpu_w": 500,
}}  # fmt: skip


def test_straight_line_by_hand():
    assert straight_line(D(240_000), D(24_000), 36) == D(6_000)


def test_an_annuity_pays_the_purchase_back():
    """Present value of the payments and of the residual is the price; without interest it is the straight line."""
    for rate in (D(0), D("0.06"), D("0.12")):
        month = rate / 12
        paid = annuity(D(240_000), D(24_000), 36, rate)
        value = sum(paid / (1 + month) ** k for k in range(1, 37)) + D(24_000) / (1 + month) ** 36
        assert abs(value - 240_000) < D("0.0001")
    assert annuity(D(240_000), D(24_000), 36, D(0)) == D(6_000)


@pytest.mark.parametrize(
    ("measured", "silent", "expected"), [(4_000.0, 0, "1.25"), (1_400.0, 6, "1.35"), (0.0, 8, "1.25")]
)
def test_power_of_an_hour(measured, silent, expected):
    """(GPUs measured + silent ones at 500 W + hosts of 1,000 W) / 1000 x 0.25 USD."""
    assert energy_usd(measured, silent, 500.0, 1_000.0, D("0.25")) == D(expected)
    assert energy_usd(measured, silent, 500.0, 1_000.0, D(0)) == 0


def pool(**change):
    owned = {k: v for k, v in {**POOL["owned"], **change}.items() if v is not None}
    return parse({"pools": {"lab": {**POOL, "owned": owned}}}).declared()


def test_an_owned_pool_costs_what_the_formula_says(store):
    """(6,000 + 1,440 + 720) / 720 = 11.333333 USD an hour, and 1.25 USD of power; two GPUs measured at 700 W, six expected."""
    tick(store, pool(), START + timedelta(hours=1))
    assert abs(report.cost(store)[1].cost - (D(8_160) / 720 + D("1.25"))) < D("0.000002")
    store.add([
        GpuSample(START + timedelta(minutes=n + 1), "n", f"GPU-{g}", "", "lab", 60.0, 90.0, None, 70_000, 700.0, 42_000_000, 0, 1, "t")
        for n in range(60) for g in (1, 2)
    ])  # fmt: skip
    tick(store, pool(), START + timedelta(hours=1))
    power = (D(2 * 700 + 6 * 500 + 1_000)) / 1000 * D("0.25")
    rows, total = report.cost(store, by=["component"])
    assert abs(total.cost - (D(8_160) / 720 + power)) < D("0.000002")
    assert sum(row.cost for row in rows) == total.cost


def test_a_gpu_that_was_read_for_half_an_hour_drew_power_in_all_of_it(store):
    """30 minutes at 700 W measured, 30 expected at 500 W, seven GPUs expected: 350 + 250 + 3,500 Wh and the hosts."""
    store.add([
        GpuSample(START + timedelta(minutes=n + 1), "n", "GPU-1", "", "lab", 60.0, 90.0, None, 70_000, 700.0, 42_000_000, 0, 1, "t")
        for n in range(30)
    ])  # fmt: skip
    tick(store, pool(), START + timedelta(hours=1))
    power = D(350 + 250 + 7 * 500 + 1_000) / 1000 * D("0.25")
    assert abs(report.cost(store)[1].cost - (D(8_160) / 720 + power)) < D("0.000002")


def test_without_a_tariff_power_is_not_in_the_cost(store):
    tick(store, pool(tariff_usd_per_kwh=0), START + timedelta(hours=1))
    assert abs(report.cost(store)[1].cost - D(8_160) / 720) < D("0.000002")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"residual_usd": 300_000}, "more than the purchase"),
        ({"pue": 0.9}, "less than 1"),
        ({"life_months": 0}, "1 or more"),
    ],
)
def test_contradictions_are_said(change, words):
    with pytest.raises(ConfigError, match=words):
        pool(**change)


def test_a_rate_and_a_purchase_are_one_too_many():
    with pytest.raises(ConfigError, match="not beside"):
        parse({"pools": {"lab": {**POOL, "usd_per_gpu_hour": 2}}})
