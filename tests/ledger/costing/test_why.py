"""Why spend changed: the causes add up exactly, each one alone moves its own line, and prices that changed are named."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import NOW, request

from ledger.costing import report
from ledger.costing.changed import CAUSES, Group, added, explain, rounded, unused
from ledger.costing.declared import Declared, Pool
from ledger.costing.tick import tick
from ledger.costing.why import Period, compare, spent, why
from ledger.errors import ConfigError
from ledger.prices.book import BEGIN, END, Override
from ledger.prices.register import PriceRegister
from ledger.records import Commitment, Deployment, GpuRate, GpuSample, Overhead, UsageBucket

HOUR = timedelta(hours=1)
DAY = datetime(2026, 11, 1, tzinfo=UTC)
CLASSES = ("input_fresh", "cache_read", "output")

groups = st.dictionaries(
    st.sampled_from(["a|m", "a|n", "b|m"]),
    st.builds(
        Group, st.integers(0, 1000), st.fixed_dictionaries({name: st.integers(0, 10**6) for name in CLASSES}),
        st.fixed_dictionaries({name: st.fractions(0, 100, max_denominator=10**6) for name in CLASSES}),
        st.fractions(0, 5, max_denominator=1000),
    ),
)  # fmt: skip


@given(groups, groups)
def test_the_causes_are_the_change_exactly(before, after):
    found = explain(before, after)
    change = sum((g.cost for g in after.values()), Fraction(0)) - sum((g.cost for g in before.values()), Fraction(0))
    assert sum(added(found).values()) == change
    for name, causes in found.items():
        parts = [g[name].cost if name in g else Fraction(0) for g in (before, after)]
        assert sum(causes.values()) == parts[1] - parts[0]
        told = rounded(causes)
        assert abs(Fraction(sum(told.values())) - sum(causes.values())) <= Fraction(1, 10**12)


def group(requests=100, fresh=8, cached=2, output=5, prices=(4, 1, 10), more=0):
    """Tokens a request and USD a token."""
    amounts = dict(zip(CLASSES, (requests * n for n in (fresh, cached, output)), strict=True))
    money = {name: Fraction(n) * p for (name, n), p in zip(amounts.items(), prices, strict=True)}
    return Group(requests, amounts, money, Fraction(more))


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({"a": group(200)}, {"volume": 8400}),
        ({"a": group(output=6)}, {"tokens": 1000}),
        ({"a": group(fresh=16, cached=4)}, {"tokens": 3400}),
        ({"a": group(fresh=5, cached=5)}, {"cache": -900}),
        ({"a": group(prices=(4, 1, 12))}, {"price": 1000}),
        ({"a": group(prices=(5, 1, 10))}, {"price": 800}),
        ({"a": group(more=70)}, {"fees": 70}),
        ({"b": group(fresh=0, cached=0)}, {"mix": -3400}),
        ({"a": group(50), "b": group(50, fresh=0, cached=0)}, {"mix": -1700}),
        ({}, {"volume": -8400}),
    ],
    ids=["volume", "output", "longer", "cache", "output price", "input price", "fees", "other", "half other", "gone"],
)
def test_each_cause_alone_moves_its_own_line(after, expected):
    """100 requests of 8 fresh, 2 cached and 5 output tokens at 4, 1 and 10: 84 a request, 8,400 before."""
    found = added(explain({"a": group()}, after))
    assert {name: usd for name, usd in found.items() if usd} == expected


def test_capacity_that_does_nothing():
    """10 hours at 2 become 16 at 3: six more at the old price, then one more dollar for each."""
    one, two = (Group(0, {"gpu_hours": h}, {"gpu_hours": Fraction(h * p)}) for h, p in ((10, 2), (16, 3)))
    found = unused(one, two)
    assert (found["utilisation"], found["price"], sum(found.values())) == (12, 16, 28)
    assert unused(None, two)["utilisation"] == 48
    assert unused(one, None)["utilisation"] == -20


@pytest.fixture(scope="module")
def history(session_store):
    """Twenty days of both sides: prices that change, reports, failures, retries, models without a price, a pool."""
    store = session_store
    for (name,) in store._client.query(
        "SELECT name FROM system.tables WHERE engine LIKE '%MergeTree' AND database = currentDatabase()"
    ).result_rows:
        if name not in ("prices", "schema_migrations"):
            store.command(f"TRUNCATE TABLE {name}")
    cut = DAY + timedelta(days=9, hours=7)
    PriceRegister(store, [
        Override("openai", "m", Decimal(2), Decimal(8), Decimal(1), until=cut),
        Override("openai", "m", Decimal(1), Decimal(6), Decimal(1), since=cut),
    ]).resolve([("openai", "m", "standard", ""), ("openai", "gpt-4o-mini", "standard", ""),
                ("anthropic", "claude-sonnet-4-5", "standard", ""), ("openai", "none", "standard", "")], NOW)  # fmt: skip
    declared = Declared(
        rates=(
            GpuRate("p", "rented", 2, Decimal("3.17"), DAY, DAY + timedelta(days=12), BEGIN),
            GpuRate("p", "rented", 3, Decimal("2.9"), DAY + timedelta(days=12), END, BEGIN),
        ),
        pools=(Pool("p", 2),),
        deployments=(
            Deployment("own", "self_hosted", "own", "llama", "p", [], 1, 1e-4, 1e-5, 2e-3, 0.0, "A", BEGIN),
        ),
        overheads=(Overhead("on-call", "self_hosted", "", "usd_per_month", Decimal(91), BEGIN, END, BEGIN),),
        commitments=(Commitment("c", "openai", Decimal(500), BEGIN, END, BEGIN),),
    )  # fmt: skip
    rng = random.Random(1)
    rows = []
    for n in range(3000):
        side = rng.random() < 0.4
        provider, model = ("own", "llama") if side else rng.choice(
            [("openai", "m"), ("openai", "gpt-4o-mini"), ("anthropic", "claude-sonnet-4-5"), ("openai", "none")]
        )  # fmt: skip
        rows.append(
            request(DAY + timedelta(seconds=rng.randrange(20 * 86_400)), n, side="self_hosted" if side else "api",
                    provider=provider, model=model, deployment="own" if side else "", workload=rng.choice("abc"),
                    team=rng.choice(["x", ""]), request_key=f"r{n // 3}", attempt=n % 3 + 1,
                    status=rng.choice([200, 200, 429]), input_fresh=rng.randrange(50_000),
                    cache_read=rng.randrange(9_000), output=rng.randrange(3_000), latency_ms=40_000,
                    n_web_search=rng.choice([None, 2]))
        )  # fmt: skip
    store.add(rows)
    store.add([
        GpuSample(DAY + n * timedelta(minutes=30), "h", f"GPU-{n % 2}", "", "p", 1800.0, 50.0, None, 30_000, 200.0)
        for n in range(20 * 48)
    ])  # fmt: skip
    store.add([
        UsageBucket("s", "a", "mistral", "usage", DAY + n * HOUR, 3600, "mistral-large-latest",
                    input_fresh=5_000 * (n % 7), output=900, n_requests=None if n % 5 else 3)
        for n in range(200)
    ])  # fmt: skip
    PriceRegister(store).resolve([("mistral", "mistral-large-latest", "standard", "")], NOW)
    tick(store, declared, DAY + timedelta(days=20))
    return store


def test_200_random_pairs_of_periods_sum_to_the_micro_dollar(history):
    """Also to the last decimal: causes, contributors and `breakeven cost` say the same."""
    rng = random.Random(2)
    paid, told = [], []
    for _ in range(24):
        first = DAY + rng.randrange(20 * 24) * HOUR
        period = Period(first, first + rng.randrange(1, 120) * HOUR)
        paid.append(report.cost(history, since=period.start, until=period.end)[1].cost or Decimal(0))
        told.append([spent(history, period, by) for by in (["side", "workload", "model"], ["team"], ["deployment"])])
    moved = set()
    for _ in range(200):
        one, other, by = rng.randrange(24), rng.randrange(24), rng.randrange(3)
        found = compare(told[one][by], told[other][by])
        assert (found.before, found.after) == (paid[one], paid[other])
        assert sum(found.causes.values()) == found.change == sum(c.change for c in found.contributors)
        for part in found.contributors:
            assert abs(sum(part.causes.values()) - part.change) <= Decimal("1e-12")
        moved |= {cause for cause in CAUSES if found.causes[cause]}
    assert moved == set(CAUSES) - {"fx"}


def test_prices_that_changed_between_are_named(history):
    whole = Period(DAY, DAY + timedelta(days=10)), Period(DAY + timedelta(days=10), DAY + timedelta(days=20))
    events = why(history, *whole).events
    assert [(e["what"], e["before"], e["after"]) for e in events] == [
        ("openai m, input", 2, 1), ("openai m, output", 8, 6), ("pool p", Decimal("3.17"), Decimal("2.9")),
    ]  # fmt: skip
    early = Period(DAY, DAY + HOUR), Period(DAY + HOUR, DAY + 2 * HOUR)
    assert why(history, *early).events == []


def test_tokens_without_a_price_are_told(history):
    halves = Period(DAY, DAY + timedelta(days=10)), Period(DAY + timedelta(days=10), DAY + timedelta(days=20))
    told = why(history, *halves).unpriced_tokens
    asked = [report.cost(history, since=p.start, until=p.end)[1].unpriced_tokens for p in halves]
    assert list(told) == asked
    assert min(told) > 0


@pytest.mark.parametrize("by", [["colour"], [], ["component"]])
def test_a_group_that_is_none_is_refused(history, by):
    with pytest.raises(ConfigError, match="not one of side"):
        why(history, Period(DAY, DAY + HOUR), Period(DAY, DAY + HOUR), by)
