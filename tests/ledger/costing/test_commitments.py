"""Economics 3.4 and 3.5: a month fully loaded, promised money that was not used, bills that tell both kinds of cost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from made import request

from breakeven.config import parse
from ledger.costing import report
from ledger.costing.commitments import unused
from ledger.costing.declared import Declared
from ledger.costing.tick import tick
from ledger.errors import ConfigError
from ledger.prices.book import END, Negotiated, Override, override_prices
from ledger.prices.register import PriceRegister
from ledger.records import Commitment, Overhead

D = Decimal
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("promised", "metered", "left"), [(100, 30, 70), (100, 100, 0), (100, 250, 0), (0, 5, 0), (100, 0, 100)]
)
def test_what_is_promised_and_not_used(promised, metered, left):
    assert unused(D(promised), D(metered)) == left


def promise(usd, since=NOVEMBER, name="deal"):
    return Commitment(name, "openai", D(usd), since, END, NOVEMBER)


@pytest.fixture
def spent(store):
    """40 USD metered in November: 10 in batch at half price, 30 online; four requests, one of them failed."""
    PriceRegister(store, [
        Override("openai", "m", output=D(10)), Override("openai", "m", output=D(5), variant="batch"),
    ]).resolve([("openai", "m", v, "") for v in ("standard", "batch")], NOVEMBER)  # fmt: skip
    at = NOVEMBER + timedelta(days=9)
    store.add([
        request(at, 1, model="m", output=2_000_000, processing="batch"),
        *(request(at, n, model="m", output=1_000_000, status=200 if n < 4 else 408) for n in (2, 3, 4)),
    ])  # fmt: skip
    return store


def parts(store, **more):
    rows, total = report.cost(store, by=["component"], **more)
    return {row.group["component"]: row.cost for row in rows}, total.cost


def test_a_month_fully_loaded(spent):
    """Metered = batch price after discount + the rest; unused promise and overheads beside it; two unit costs, labelled."""
    overhead = Overhead("gateway", "api", "", "usd_per_month", D(12), NOVEMBER, END, NOVEMBER)
    tick(spent, Declared(overheads=(overhead,), commitments=(promise(100),)), DECEMBER)
    found, total = parts(spent)
    assert found == {
        "output": D(30),
        "retries_failed": D(10),
        "commitment_unused": D(60),
        "overhead": found["overhead"],
    }
    assert 0 < found["overhead"] < D(12)  # from the first request on
    assert total == 100 + found["overhead"]
    (row,), _ = report.cost(spent, by=["side"])
    assert (row.usage_cost, row.cost, row.successful_requests) == (D(40), total, 3)
    assert report.cost(spent, by=["side"], basis="usage")[1].per_request == D(40) / 3


def test_list_batch_negotiated_and_tools(store):
    """3.4 by hand: 2 x 2.50 listed; batch halves a share of it; 7 % off tokens; tools at their price.

    gpt-4o, 1 M input online and 1 M in batch: (2.50 + 1.25) x 0.93 = 3.4875; before the agreement 2.50 + 1.25.
    """
    agreed = [Negotiated("openai", D("0.07"), since=NOVEMBER + timedelta(days=5))]
    names = [("openai", "gpt-4o", v, "") for v in ("standard", "batch")]
    register = PriceRegister(store, [Override("openai", "own", input=D(1))], agreed)
    register.resolve([*names, ("openai", "own", "standard", "")], NOVEMBER)
    for day in (1, 9):
        at = NOVEMBER + timedelta(days=day)
        store.add([
            request(at, f"{day}a", model="gpt-4o", input_fresh=1_000_000),
            request(at, f"{day}b", model="gpt-4o", input_fresh=1_000_000, processing="batch"),
            request(at, f"{day}c", model="own", input_fresh=1_000_000),
        ])  # fmt: skip
    tick(store, Declared(), DECEMBER)
    rows, _ = report.cost(store, by=["model"], bucket="day")
    found = {(row.group["bucket"][8:10], row.group["model"]): row.cost for row in rows}
    assert found == {
        ("02", "gpt-4o"): D("3.75"), ("10", "gpt-4o"): D("3.4875"), ("02", "own"): D(1), ("10", "own"): D(1),
    }  # fmt: skip


def test_a_discount_leaves_tools_and_unknown_prices_alone():
    (listed,) = override_prices([Override("openai", "m", input=D(2))])
    listed = replace(listed, n_web_search=D("0.01"))
    cut = Negotiated("openai", D("0.25")).applied(listed)
    assert (cut.input_fresh * 10**6, cut.output, cut.n_web_search, cut.source) == (D("1.5"), None, D("0.01"), "user")
    assert Negotiated("anthropic", D("0.25")).applied(listed) is None


def test_a_prepaid_pool_is_spread_over_its_term(store):
    """3.5: 8,760 USD for 73 days and four GPUs = 120 a day, used or not; outside of the term it costs nothing."""
    pool = {"gpus": 4, "upfront_usd": 8_760, "since": NOVEMBER, "until": NOVEMBER + timedelta(days=73)}
    declared = parse({"pools": {"lab": pool}}).declared()
    tick(store, declared, NOVEMBER + timedelta(days=2))
    rows, _ = report.cost(store, bucket="day")
    assert [round(row.cost, 4) for row in rows] == [D(120), D(120)]
    tick(store, declared, NOVEMBER + timedelta(days=75))
    assert round(report.cost(store)[1].cost, 1) == D(8_760)
    for change in ({"until": None}, {"usd_per_gpu_hour": 2}):
        with pytest.raises(ConfigError, match="upfront_usd"):
            parse({"pools": {"lab": {k: v for k, v in {**pool, **change}.items() if v is not None}}})


def test_more_use_lowers_what_is_unused_and_the_setting_can_go(spent):
    for commitments, left in (
        ((promise(100),), D(60)),
        ((promise(100), promise(25, name="second")), D(85)),
        ((promise(30),), None),
        ((), None),
    ):
        tick(spent, Declared(commitments=commitments), DECEMBER)
        assert parts(spent)[0].get("commitment_unused") == left
    tick(spent, Declared(commitments=(promise(100),)), DECEMBER)
    spent.add([request(NOVEMBER + timedelta(days=20), "late", model="m", output=5_000_000)])
    for _ in range(2):
        tick(spent, Declared(commitments=(promise(100),)), DECEMBER)
        assert parts(spent)[0]["commitment_unused"] == D(10)


def test_a_running_month_owes_the_part_that_has_passed(spent):
    """After 15 of 30 days half of it; a promise that began on the 11th owes 20 of 30 days in the end."""
    tick(spent, Declared(commitments=(promise(100),)), NOVEMBER + timedelta(days=15))
    assert parts(spent)[0]["commitment_unused"] == D(10)
    tick(spent, Declared(commitments=(promise(100),)), DECEMBER)
    assert parts(spent)[0]["commitment_unused"] == D(60)
    tick(spent, Declared(commitments=(promise(90, since=NOVEMBER + timedelta(days=10)),)), DECEMBER)
    assert parts(spent)[0]["commitment_unused"] == D(20)
    days, total = report.cost(
        spent, by=["component"], bucket="day", since=NOVEMBER + timedelta(days=10), until=DECEMBER
    )
    assert sum(row.cost for row in days) == total.cost == D(20)


def test_a_month_without_any_use_is_owed_whole(spent):
    tick(spent, Declared(commitments=(promise(100),)), datetime(2027, 1, 1, tzinfo=UTC))
    rows, _ = report.cost(spent, by=["component"], bucket="month", since=DECEMBER)
    assert [(row.group["bucket"][:7], row.cost) for row in rows] == [("2026-12", D(100))]
