"""Prices: equal to genai-prices to the last micro-dollar, effective-dated, unpriced where there is none."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from genai_prices.types import TieredPrices
from hypothesis import given, settings
from hypothesis import strategies as st
from made import NOW, request

from bench.price import sample, theirs
from ledger.prices import ranges
from ledger.prices.book import (
    BEGIN,
    CLASSES,
    END,
    Override,
    all_models,
    book_prices,
    whole_book,
)
from ledger.prices.register import PriceRegister
from ledger.records import PriceRange

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def test_sql_equals_the_library_on_2000_usages(store, prices):
    """2,000 random usages over at least 60 models, priced at the door in SQL, to the last micro-dollar (and beyond)."""
    usages = sample(2000)
    assert len({(p, m) for p, m, *_ in usages}) >= 60
    assert {v for _, _, v, *_ in usages} >= {"standard", "batch", "flex", "priority"}
    rows = []
    for n, (provider, model, variant, at, counts) in enumerate(usages):
        tier = variant if variant in ("flex", "priority", "fast") else "standard"
        rows.append(
            request(at, n, provider=provider, model=model, tier=tier,
                    processing="batch" if variant == "batch" else "online", key=str(n), **counts)
        )  # fmt: skip
    prices.resolve({(r.provider, r.model, r.variant, "") for r in rows}, NOW)
    store.add(rows)
    ours = {int(k): cost for k, cost in store.read("SELECT key, cost FROM requests FINAL")[1]}
    wrong = [
        (usage, ours[n], expected)
        for n, usage in enumerate(usages)
        if ours[n] is None or abs(ours[n] - (expected := theirs(*usage))) > Decimal("1e-9")
    ]
    assert wrong == []


def test_a_price_change_takes_effect_at_its_instant(store):
    """I10: 00:00:00.000 takes the new price, the millisecond before the old one. GV15: 9.00, not 10 or 8."""
    change = datetime(2026, 8, 21, tzinfo=UTC)
    prices = PriceRegister(
        store,
        [
            Override("own", "m", input=Decimal(5), output=Decimal(5), until=change),
            Override("own", "m", input=Decimal(4), output=Decimal(4), since=change),
        ],
    )
    prices.resolve([("own", "m", "standard", "")], NOW)
    made = [change - timedelta(milliseconds=1), change]
    store.add([request(at, n, provider="own", model="m", input_fresh=1_000_000) for n, at in enumerate(made)])
    assert store.read("SELECT cost FROM requests FINAL ORDER BY at")[1] == [(Decimal(5),), (Decimal(4),)]
    PriceRegister(store, [Override("own", "m", input=Decimal(99), output=Decimal(99))]).refresh(NOW)
    assert store.read("SELECT sum(cost) FROM requests FINAL")[1] == [(Decimal(9),)]


def test_the_context_tier_is_a_cliff_decided_by_the_whole_input(store):
    """B9: at the start the lower tier, one token above it the higher, for every token of the request, cached ones too."""
    base = {"provider": "own", "model": "t"}
    rate = {"input": Decimal(1), "cache_read": Decimal("0.1"), "output": Decimal(10)}
    high = {"input": Decimal(2), "cache_read": Decimal("0.2"), "output": Decimal(20)}
    prices = PriceRegister(store, [Override(**base, **rate), Override(**base, **high, above=200_000)])
    prices.resolve([("own", "t", "standard", "")], NOW)
    at = NOW - HOUR
    store.add([
        request(at, 1, **base, input_fresh=100_000, cache_read=100_000, output=1000),
        request(at, 2, **base, input_fresh=100_000, cache_read=100_001, output=1000),
    ])  # fmt: skip
    found = [cost for (cost,) in store.read("SELECT cost FROM requests FINAL ORDER BY cache_read")[1]]
    assert found == [Decimal("0.12"), Decimal("0.2400002")]


def test_a_name_without_a_price_is_unpriced_never_free(store, prices):
    assert prices.resolve([("openai", "no-such-model", "standard", "")], NOW) == [
        ("openai", "no-such-model", "standard", "")
    ]
    store.add([request(NOW - HOUR, 1, model="no-such-model", input_fresh=100, output=5)])
    assert store.read("SELECT cost, price_id, unpriced_tokens FROM v_requests")[1] == [(None, 0, 105)]


def test_a_class_without_a_price_is_contained(store):
    """I14: taking one price away moves exactly that class's tokens to unpriced; the rest is a lower bound."""
    full = {"input": Decimal(1), "output": Decimal(2)}
    prices = PriceRegister(
        store, [Override("own", "a", **full, cache_read=Decimal("0.5")), Override("own", "b", **full)]
    )
    prices.resolve([("own", "a", "standard", ""), ("own", "b", "standard", "")], NOW)
    tokens = {"input_fresh": 1000, "cache_read": 400, "output": 10}
    store.add([request(NOW - HOUR, m, provider="own", model=m, **tokens) for m in ("a", "b")])
    found = store.read("SELECT model, cost, unpriced_tokens FROM v_requests ORDER BY model")[1]
    assert found == [("a", Decimal("0.00122"), 0), ("b", Decimal("0.00102"), 400)]


def test_a_price_of_zero_is_a_price(store):
    prices = PriceRegister(store, [Override("own", "free", input=Decimal(0), output=Decimal(0))])
    prices.resolve([("own", "free", "standard", "")], NOW)
    store.add([request(NOW - HOUR, 1, provider="own", model="free", input_fresh=5, output=5)])
    assert store.read("SELECT cost, unpriced_tokens FROM v_requests")[1] == [(Decimal(0), 0)]


def test_apply_fills_what_was_unknown_and_moves_nothing_else(store):
    """B2: booked money stays; a price learned later reaches the past only when somebody asks for it."""
    before = PriceRegister(store, [Override("own", "known", input=Decimal(1), output=Decimal(1))])
    names = [("own", "known", "standard", ""), ("own", "late", "standard", "")]
    before.resolve(names, NOW)
    at = NOW - 30 * timedelta(days=1)
    store.add(
        [request(at, m, provider="own", model=m, input_fresh=1_000_000, request_key="r") for m in ("known", "late")]
    )
    assert store.read("SELECT sum(cost), countIf(cost IS NULL) FROM requests FINAL")[1] == [(Decimal(1), 1)]
    after = PriceRegister(
        store,
        [
            Override("own", "known", input=Decimal(7), output=Decimal(7)),
            Override("own", "late", input=Decimal(3), output=Decimal(3)),
        ],
    )
    after.refresh(NOW)
    store.add([request(at, "late", provider="own", model="late", input_fresh=1_000_000, request_key="r")])
    assert store.read("SELECT sum(cost), countIf(cost IS NULL) FROM requests FINAL")[1] == [(Decimal(1), 1)]
    ids = store.read("SELECT event_id, request_id FROM requests FINAL ORDER BY event_id")[1]
    assert after.apply(NOW) == 1
    found = store.read("SELECT model, cost FROM requests FINAL ORDER BY model")[1]
    assert found == [("known", Decimal(1)), ("late", Decimal(3))]
    assert store.read("SELECT event_id, request_id FROM requests FINAL ORDER BY event_id")[1] == ids
    assert after.apply(NOW) == 0


def test_a_refresh_prices_the_future_only(store):
    """I9: loading a book changes no closed hour; the next hour takes the new price."""
    name = ("own", "m", "standard", "")
    PriceRegister(store, [Override("own", "m", input=Decimal(1), output=Decimal(1))]).resolve([name], NOW)
    PriceRegister(store, [Override("own", "m", input=Decimal(2), output=Decimal(2))]).refresh(NOW)
    cut = NOW.replace(minute=0) + HOUR
    for n, at in enumerate([NOW - 100 * HOUR, cut - SECOND, cut]):
        store.add([request(at, n, provider="own", model="m", input_fresh=1_000_000)])
    assert [c for (c,) in store.read("SELECT cost FROM requests FINAL ORDER BY at")[1]] == [1, 1, 2]


spans = st.lists(st.integers(0, 400), min_size=2, max_size=8, unique=True).map(sorted)


def laid(edges, first_id):
    at = [BEGIN + HOUR * e for e in edges]
    return [
        PriceRange(
            "booked", "p", "m", "standard", "", a, b - SECOND, first_id + n, ranges.NO_TIER, 0, ranges.NO_TIER, 0, 0
        )
        for n, (a, b) in enumerate(zip(at, at[1:], strict=False))
    ]


@settings(deadline=None)
@given(old=spans, new=spans, cut=st.integers(0, 420))
def test_continuing_a_name_never_overlaps_and_never_moves_the_past(old, new, cut):
    existing, fresh, at = laid(old, 1), laid(new, 100), BEGIN + HOUR * cut
    now, write = ranges.continued(existing, fresh, at)
    for one, other in zip(now, now[1:], strict=False):
        assert one.valid_to < other.valid_from

    def price(rows, instant):
        return next((r.id0 for r in rows if r.valid_from <= instant <= r.valid_to), None)

    for hour in range(0, 420, 7):
        instant = BEGIN + HOUR * hour
        assert price(now, instant) == price(existing if instant < at else fresh, instant)
    stored = {r.valid_from: r for r in existing} | {r.valid_from: r for r in write}
    assert sorted((r for r in stored.values() if r.valid_to >= r.valid_from), key=lambda r: r.valid_from) == now


def test_the_book_has_no_hole_and_no_overlap():
    """Every model's standard price covers all time once; every row is believable."""
    spans = {}
    for row in whole_book():
        assert row.valid_from <= row.valid_to
        assert all(getattr(row, name) is None or getattr(row, name) >= 0 for name in CLASSES)
        if row.variant == "standard" and row.tier_start == 0:
            spans.setdefault((row.provider, row.model, row.day_from_s, row.day_to_s), []).append(row)
    for rows in spans.values():
        rows.sort(key=lambda r: r.valid_from)
        assert rows[0].valid_from == BEGIN
        assert rows[-1].valid_to == END - SECOND
        assert all(a.valid_to + SECOND == b.valid_from for a, b in zip(rows, rows[1:], strict=False))


def test_at_most_two_tiers_a_model():
    """The pricing dictionary holds two; a book with three needs it widened."""
    for _, model in all_models():
        for value in model.prices.__dict__.values() if hasattr(model.prices, "__dict__") else []:
            if isinstance(value, TieredPrices):
                assert len(value.tiers) <= 2


@pytest.mark.parametrize("variant", ["batch", "flex", "priority", "fast"])
def test_a_variant_without_a_price_is_not_given_the_standard_one(variant):
    """B7: the library answers with the standard price and says nothing; we say there is none."""
    for provider, model in all_models():
        rows = book_prices(provider, model)
        if not model.price_variants:
            assert variant not in {row.variant for row in rows}
