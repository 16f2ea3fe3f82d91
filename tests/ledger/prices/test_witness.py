"""Second opinions on prices in use: price maps, unit prices of bills, costs of gateways."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from made import request

from ledger.costing.declared import Declared
from ledger.costing.tick import tick
from ledger.errors import ConfigError
from ledger.prices.book import Override
from ledger.prices.register import PriceRegister
from ledger.prices.witness import agreements
from ledger.records import Charge

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SINCE = NOW - timedelta(days=30)
DAY = timedelta(days=1)
D = Decimal


@pytest.fixture
def used(store):
    """Models of the book that were used a day ago: 2.50 / 1.25 / 10 and 0.15 / 0.60 per million; one with the user's price."""
    prices = PriceRegister(store, [Override("openai", "own", input=D(7))])
    prices.resolve([("openai", m, "standard", "") for m in ("gpt-4o", "gpt-4o-mini", "own")], NOW)
    store.add([
        request(NOW - DAY, m, model=m, input_fresh=1_000_000, cache_read=100, output=100) for m in ("gpt-4o", "gpt-4o-mini", "own")
    ])  # fmt: skip
    tick(store, Declared(), NOW)
    return store


def standing(found):
    return {one.model: one.standing for one in found}


def price_map(tmp_path, **change):
    table = {
        "sample_spec": {"litellm_provider": "one of …"},
        "gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05,
                   "cache_read_input_token_cost": 1.25e-06, **change},
        "azure/gpt-4o-mini": {"litellm_provider": "azure", "input_cost_per_token": 9},
    }  # fmt: skip
    (tmp_path / "map.json").write_text(json.dumps(table))
    return tmp_path / "map.json"


def test_without_a_second_source_a_price_is_single_and_yours_is_yours(used):
    assert standing(agreements(used, SINCE)) == {"gpt-4o": "single", "gpt-4o-mini": "single", "own": "user"}
    assert agreements(used, NOW) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "agreed"),
        ({"output_cost_per_token": 1.009e-05}, "agreed"),
        ({"output_cost_per_token": 1.02e-05}, "disputed"),
        ({"cache_read_input_token_cost": 2.5e-07}, "disputed"),
        ({"output_cost_per_token_batches": 1}, "agreed"),
    ],
)
def test_a_price_map_agrees_or_disputes(used, tmp_path, change, expected):
    found = agreements(used, SINCE, price_map(tmp_path, **change))
    assert standing(found) == {"gpt-4o": expected, "gpt-4o-mini": "single", "own": "user"}
    if expected == "disputed":
        (one,) = [o for a in found for o in a.opinions if not o.agrees]
        assert one.book * 10**6 in (D(10), D("1.25"))
        assert abs(one.difference) > D("0.01")


@pytest.mark.parametrize(
    ("quantity", "usd", "more", "expected"),
    [
        (2_000_000.0, "5.00", {}, "agreed"),
        (2_000_000.0, "4.65", {}, "disputed"),
        (2_000_000.0, "4.65", {"list_cost": D(5)}, "agreed"),
        (1000.0, "4", {}, "single"),
        (2_000_000.0, "2.5", {"tier": "batch"}, "single"),
        (2_000_000.0, "4.65", {"currency": "EUR"}, "single"),
    ],
)
def test_unit_prices_of_bills(used, quantity, usd, more, expected):
    """A list price is what the book has; too few tokens, other variants and currencies say nothing."""
    line = Charge("s", "a", "openai", NOW - DAY, NOW, "usage", "gpt-4o, input", "gpt-4o", "input_fresh", billed_cost=D(usd),
                  quantity=quantity, unit="tokens")  # fmt: skip
    used.add([replace(line, **more)])
    assert standing(agreements(used, SINCE))["gpt-4o"] == expected


@pytest.mark.parametrize(("reported", "expected"), [("0.15015", "agreed"), ("0.3", "disputed")])
def test_what_a_gateway_reports(used, reported, expected):
    used.add(
        [
            request(
                NOW - DAY, "g", source="litellm", model="gpt-4o-mini", input_fresh=1_000_000, cost_reported=D(reported)
            )
        ]
    )
    tick(used, Declared(), NOW)
    (found,) = [one for one in agreements(used, SINCE) if one.model == "gpt-4o-mini"]
    assert (found.standing, found.opinions[0].token_class) == (expected, "")
    assert found.opinions[0].book == D("0.15")


@pytest.mark.parametrize("text", ["", "[]", "{", None])
def test_an_unreadable_map_is_said(used, tmp_path, text):
    path = tmp_path / "map.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=r"prices\.second"):
        agreements(used, SINCE, path)


def test_the_book_says_how_old_it_is_at_least(used):
    book = PriceRegister(used).book(NOW + 40.5 * DAY)
    assert (book["age_days"], bool(book["version"])) == (40, True)
