"""Usage that only the provider tells: counted on days without request records, once, whatever comes in which order."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from made import request

from dashboards import page
from ledger.costing import report
from ledger.costing.declared import Declared
from ledger.costing.reconcile import reconcile
from ledger.costing.tick import tick
from ledger.prices.book import Override
from ledger.prices.register import PriceRegister
from ledger.records import Charge, UsageBucket

DAY = datetime(2026, 11, 10, tzinfo=UTC)
NOW = DAY + timedelta(days=9)
HOUR = timedelta(hours=1)
D = Decimal


@pytest.fixture
def prices(store):
    """A model with one price, one with a context tier above 200,000 tokens."""
    found = PriceRegister(store, [
        Override("openai", "m", input=D(1), output=D(4)),
        Override("anthropic", "tiered", input=D(3), output=D(15)),
        Override("anthropic", "tiered", input=D(6), output=D(22), above=200_000),
    ])  # fmt: skip
    found.resolve([("openai", "m", "standard", ""), ("anthropic", "tiered", "standard", "")], NOW)
    return found


def bucket(hour, **more):
    """Two million tokens of one hour, five requests: 5 USD."""
    given = {
        "width_s": 3600,
        "model": "m",
        "input_fresh": 1_000_000,
        "output": 1_000_000,
        "n_requests": 5,
        "workload": "bot",
    }
    provider = more.pop("provider", "openai")
    return UsageBucket("acme", "acme", provider, "completions", DAY + hour * HOUR, **{**given, **more})


def costs(store, **more):
    rows, total = report.cost(store, **{"by": ["provider"], **more})
    return {row.group["provider"]: row.cost for row in rows} if rows else {}, total


def test_an_admin_key_alone_shows_spend(store, prices):
    store.add([bucket(0), bucket(1), bucket(30)])
    tick(store, Declared(), NOW)
    (row,), total = report.cost(store, by=["workload"], since=DAY, until=DAY + 24 * HOUR)
    assert (row.group, row.cost, row.requests, row.per_request) == ({"workload": "bot"}, D(10), 10, D(1))
    assert (total.reported_cost, total.approximate_cost) == (D(10), 0)
    assert costs(store)[1].cost == D(15)


def test_a_day_counts_requests_or_reports_never_both(store, prices):
    """Late request records of one hour take the whole day over; the other day stays reported; a second tick changes nothing."""
    store.add([bucket(0), bucket(1), bucket(30)])
    tick(store, Declared(), NOW)
    store.add([request(DAY + 5 * HOUR, "late", model="m", input_fresh=1_000_000)])
    for _ in range(2):
        tick(store, Declared(), NOW)
        rows, total = report.cost(store, by=["provider"], bucket="day")
        assert [(row.group["bucket"][:10], row.cost, row.reported_cost) for row in rows] == [
            ("2026-11-10", D(1), 0),
            ("2026-11-11", D(5), D(5)),
        ]
        assert total.cost == D(6)
    assert store.read("SELECT day, counted FROM v_usage_days ORDER BY day")[1] == [
        (date(2026, 11, 10), "requests"),
        (date(2026, 11, 11), "reports"),
    ]


def test_requests_that_no_workload_took_are_shown_on_days_of_which_reports_count(store, prices):
    """Their hours are in no hourly count of requests: the panel reads them all the same."""
    store.add([bucket(0)])
    store.add([request(DAY + 5 * HOUR, "lost", model="m", workload="unassigned", key="k", input_fresh=7)])
    tick(store, Declared(reported=("openai",)), NOW)
    found = page.answer(store, "health", "unmapped", start=DAY, end=DAY + 24 * HOUR, as_of=NOW)
    names = [one["name"] for one in found["fields"]]
    assert dict(zip(names, (column[0] for column in found["columns"]), strict=True))["key"] == "k"


def test_what_is_told_twice_is_shown(store, prices):
    store.add([bucket(0), bucket(30)])
    store.add([request(DAY, "some", model="m", input_fresh=400_000)])
    tick(store, Declared(), NOW)
    assert store.ask("breakeven", "overlap", since=DAY) == [
        {
            "provider": "openai",
            "counted": "requests",
            "days": 1,
            "request_tokens": 400_000,
            "reported_tokens": 2_000_000,
        }
    ]


def test_another_providers_requests_leave_the_reports_alone(store, prices):
    store.add([bucket(0)])
    store.add([request(DAY, "other", provider="anthropic", model="tiered", input_fresh=1_000_000)])
    tick(store, Declared(), NOW)
    assert costs(store)[0] == {"openai": D(5), "anthropic": D(6)}


def test_the_authority_is_a_setting_and_can_be_taken_back(store, prices):
    store.add([bucket(0), bucket(1)])
    store.add([request(DAY + HOUR, "some", model="m", input_fresh=1_000_000)])
    for reported, expected in (((), D(1)), (("openai",), D(10)), ((), D(1))):
        tick(store, Declared(reported=reported), NOW)
        assert costs(store)[0] == {"openai": expected}
    tick(store, Declared(reported=("openai",)), NOW)
    store.add([request(DAY + 2 * HOUR, "more", model="m", input_fresh=1_000_000)])
    tick(store, Declared(), NOW, pools=False)  # a command that knows no configuration decides nothing anew
    assert costs(store)[0] == {"openai": D(10)}


@pytest.mark.parametrize("change", ["up", "down", "gone"])
def test_a_restated_bucket_restates_the_hour(store, prices, change):
    store.add([bucket(0), bucket(1)])
    tick(store, Declared(), NOW)
    revised = {"up": {"output": 2_000_000}, "down": {"output": 0}, "gone": {"is_deleted": 1}}[change]
    store.add([replace(bucket(1), **revised)])
    tick(store, Declared(), NOW)
    assert costs(store)[1].cost == {"up": D(14), "down": D(6), "gone": D(5)}[change]


def test_what_sums_cannot_say_stays_unknown(store, prices):
    """No request counts: requests and unit costs are unknown. A tiered price: the lowest, and named approximate."""
    store.add([bucket(0, n_requests=None), bucket(1)])
    given = {"provider": "anthropic", "model": "tiered", "output": 0}
    store.add([bucket(0, **given), bucket(1, **given, context="0-200k"), bucket(2, **given, context="200k-1M")])
    tick(store, Declared(), NOW)
    rows = {row.group["provider"]: row for row in report.cost(store, by=["provider"])[0]}
    assert (rows["openai"].cost, rows["openai"].requests, rows["openai"].per_request) == (D(10), None, None)
    assert (rows["anthropic"].cost, rows["anthropic"].approximate_cost) == (D(3 + 3 + 6), D(3))
    assert report.cost(store, by=["side"])[1].requests is None


def test_a_model_without_a_price_is_counted_and_priced_later(store, prices):
    prices.resolve([("openai", "new", "standard", "")], NOW)
    store.add([bucket(0, model="new", n_requests=None)])
    tick(store, Declared(), NOW)
    (row,) = report.cost(store, by=["model"])[0]
    assert (row.cost, row.unpriced_tokens, row.requests) == (None, 2_000_000, None)
    later = PriceRegister(store, [Override("openai", "new", input=D(2), output=D(2))])
    later.apply(NOW)
    tick(store, Declared(), NOW)
    (row,) = report.cost(store, by=["model"])[0]
    assert (row.cost, row.unpriced_tokens) == (D(4), 0)


def test_a_day_long_bucket_is_spread_in_whole_tokens(store, prices):
    store.add([bucket(0, width_s=86_400, input_fresh=1_000_001, output=7, n_requests=5)])
    tick(store, Declared(), NOW)
    hours, total = report.cost(store, by=["provider"], bucket="hour")
    assert (len(hours), total.total_input, total.output, total.requests) == (24, 1_000_001, 7, 5)
    assert {row.total_input for row in hours} == {41_666, 41_667}
    assert total.cost == D(1_000_001 + 28) / 10**6


def test_the_bill_is_held_against_what_was_counted(store, prices):
    """Reported usage that counts is not missing: a bill at the book's price leaves nothing to explain."""
    store.add([bucket(0), bucket(1)])
    store.add(
        [
            Charge(
                "acme",
                "acme",
                "openai",
                DAY,
                DAY + 24 * HOUR,
                "usage",
                "m",
                "m",
                billed_cost=D(12),
                effective_cost=D(12),
            )
        ]
    )
    tick(store, Declared(), NOW)
    (found,) = reconcile(store, prices, DAY, DAY + 24 * HOUR)
    assert (found.residual.metered, found.residual.billed) == (D(10), D(12))
    assert found.residual.causes["missing_usage"] == 0
    assert found.residual.causes["price"] == D(2)


def test_a_store_of_the_first_version_is_not_taken_for_declared_elsewhere():
    """The mark of nothing declared is what that version wrote; a new kind changes it only once it is declared."""
    assert Declared().mark() == "80d33d0be79a3ee79c9db27c0df1a951e61c8ac72ef537730bdb668646093bbb"
    assert Declared(reported=("openai",)).mark() != Declared().mark()


def test_gv19_a_block_that_is_sent_four_times_counts_once(store, prices):
    """One row of value 999 delivered four times as identical blocks after timeouts: 999 in the table and in every rollup."""
    for _ in range(4):
        store.add([request(DAY, "block", model="m", output=999)])
        tick(store, Declared(), NOW)
    for query in (
        "SELECT sum(output) FROM v_requests",
        "SELECT sum(output) FROM v_usage_hourly",
        "SELECT sum(output) FROM work_10s FINAL",
    ):
        assert store.read(query)[1] == [(999,)]
    assert costs(store)[1].cost == D(999) * 4 / 10**6
