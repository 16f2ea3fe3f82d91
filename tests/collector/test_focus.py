"""FOCUS files of several versions: one row a charge, told again, revised, renamed; what is no model is kept apart."""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import NOW, request

from collector.attribution import Attribution
from collector.bills import token_class
from collector.importer import Plan, import_file
from collector.sources.focus import Focus
from collector.sources.requests_log import Defaults
from ledger.costing.reconcile import reconcile
from ledger.errors import BadRow
from ledger.prices.book import Override
from ledger.prices.register import PriceRegister

ROW = {
    "BillingPeriodStart": "2026-11-01T00:00:00Z", "ChargePeriodStart": "2026-11-20T10:00:00Z", "ChargePeriodEnd": "2026-11-20T11:00:00Z",
    "ServiceProviderName": "ExampleCloud", "ServiceCategory": "AI and Machine Learning", "ServiceSubcategory": "Generative AI",
    "ServiceName": "Example Models", "SkuMeter": "model-x input tokens", "ChargeCategory": "Usage", "ConsumedQuantity": "412",
    "ConsumedUnit": "1000 Tokens", "ListCost": "0.412", "EffectiveCost": "0.3708", "BilledCost": "0.3708", "BillingCurrency": "USD",
    "Tags": '{"team":"checkout"}',
}  # fmt: skip


def parse(**change):
    (found,) = Focus(NOW).parse({k: v for k, v in {**ROW, **change}.items() if v is not None})
    return found


def test_the_row_of_the_specification():
    found = parse()
    assert (found.provider, found.charge_category, found.line, found.token_class) == (
        "examplecloud",
        "usage",
        "model-x input tokens",
        "input_fresh",
    )
    assert (found.billed_cost, found.effective_cost, found.list_cost, found.currency) == (
        Decimal("0.3708"),
        Decimal("0.3708"),
        Decimal("0.412"),
        "USD",
    )
    assert (found.quantity, found.unit, found.billing_period, found.about_models) == (
        412_000.0,
        "tokens",
        date(2026, 11, 1),
        1,
    )
    assert (found.start, found.end) == (datetime(2026, 11, 20, 10, tzinfo=UTC), datetime(2026, 11, 20, 11, tzinfo=UTC))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"ServiceProviderName": None, "ProviderName": "Amazon Web Services"}, {"provider": "aws"}),
        ({"ServiceProviderName": "Microsoft"}, {"provider": "azure"}),
        ({"ChargeCategory": "Tax", "BilledCost": "1.5", "EffectiveCost": None}, {"charge_category": "tax", "effective_cost": Decimal("1.5")}),
        ({"ChargeCategory": "Credit", "BilledCost": "-2"}, {"billed_cost": Decimal(-2)}),
        ({"ChargeCategory": "Purchase", "BilledCost": "100", "EffectiveCost": "0"}, {"effective_cost": 0}),
        ({"ServiceSubcategory": "Virtual Machines", "ServiceName": "Compute", "SkuMeter": "p5.48xlarge"}, {"about_models": 0, "token_class": ""}),
        ({"ServiceSubcategory": None, "ServiceName": "Amazon Bedrock"}, {"about_models": 1}),
        ({"SkuMeter": "USE1-Claude4Sonnet-cache-read-input-token-count"}, {"token_class": "cache_read"}),
        ({"SkuMeter": "USE1-Claude4Sonnet-output-tokens"}, {"token_class": "output"}),
        ({"ChargeClass": "Correction", "ConsumedQuantity": "-3", "BilledCost": "-1"}, {"quantity": -3000.0, "billed_cost": Decimal(-1)}),
        ({"ListCost": None, "ConsumedUnit": "Hours"}, {"list_cost": None, "quantity": 412.0, "unit": "Hours"}),
        ({"ChargePeriodStart": "2026-11-20 10:00:00"}, {"start": datetime(2026, 11, 20, 10, tzinfo=UTC)}),
    ],
)  # fmt: skip
def test_columns_of_all_versions(change, expected):
    found = parse(**change)
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("input_tokens", "input_fresh"), ("cached input", "cache_read"), ("output_tokens", "output"), ("cached_input_tokens", "cache_read"),
        ("images", ""), ("web search calls", ""), ("cache_write_30m_tokens", "cache_write_short"), ("cache_write_12h_tokens", "cache_write_long"),
        ("USE1-MP:USE1_CacheReadInputTokenCount_Global-Units", "cache_read"), ("USE1-MP:USE1_OutputTokenCount-Units", "output"),
        ("code interpreter sessions", ""),
    ],
)  # fmt: skip
def test_words_of_bills_name_token_classes(words, expected):
    assert token_class(words) == expected


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"BilledCost": "much"}, "BilledCost"), ({"ChargePeriodStart": "soon"}, "ChargePeriodStart"), ({"ChargeCategory": "Gift"}, "ChargeCategory"),
        ({"ConsumedQuantity": "-1"}, "ConsumedQuantity"), ({"BilledCost": ""}, "BilledCost"),
    ],
)  # fmt: skip
def test_a_bad_row_names_its_column(change, column):
    with pytest.raises(BadRow) as caught:
        parse(**change)
    assert caught.value.field == column


def write(path, rows):
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return path


def brought(store, prices, path):
    report = import_file(store, prices, Attribution(), path, Plan({}, Defaults()), NOW)
    return report.counts.accepted, report.counts.duplicate, report.counts.rejected


def billed(store):
    return store.read("SELECT sum(billed_cost), count() FROM v_charges")[1][0]


def rows(n=10):
    return [
        {
            **ROW,
            "ChargePeriodStart": f"2026-11-{day:02d}T10:00:00Z",
            "ChargePeriodEnd": f"2026-11-{day:02d}T11:00:00Z",
            "BilledCost": "2",
        }
        for day in range(1, n + 1)
    ]


@pytest.mark.parametrize("name", ["focus.csv", "focus.parquet"])
def test_told_again_changes_nothing_and_revised_replaces(store, prices, tmp_path, name):
    """Ten days of 2; again; under another name; then a day up, a day gone, a day new, and a bad row beside them."""
    path = write(tmp_path / name, rows())
    assert brought(store, prices, path) == (10, 0, 0)
    assert brought(store, prices, path) == (0, 10, 0)
    assert brought(store, prices, write(tmp_path / f"copy of {name}", rows())) == (0, 10, 0)
    assert brought(store, prices, path) == (0, 10, 0)  # a row belongs to the file that told it last
    assert billed(store) == (20, 10)
    made = rows(11)
    made[3]["BilledCost"] = "5"
    made.append({**made[0], "BilledCost": "x"})
    del made[7]
    assert brought(store, prices, write(path, made)) == (2, 8, 1)
    assert billed(store) == (23, 10)


def test_rows_that_differ_in_a_tag_are_two_charges_and_equal_ones_are_added(store, prices, tmp_path):
    made = [ROW, {**ROW, "Tags": '{"team":"search"}'}, ROW]
    assert brought(store, prices, write(tmp_path / "focus.csv", made)) == (3, 0, 0)
    assert billed(store) == (3 * Decimal("0.3708"), 2)


def test_another_month_of_the_same_name_deletes_nothing(store, prices, tmp_path):
    brought(store, prices, write(tmp_path / "focus.csv", rows()))
    october = [{**r, "BillingPeriodStart": "2026-10-01T00:00:00Z", "ChargePeriodStart": r["ChargePeriodStart"].replace("-11-", "-10-"),
                "ChargePeriodEnd": r["ChargePeriodEnd"].replace("-11-", "-10-")} for r in rows(3)]  # fmt: skip
    assert brought(store, prices, write(tmp_path / "focus.csv", october)) == (3, 0, 0)
    assert billed(store) == (26, 13)


def test_only_money_of_models_is_held_against_requests(store, tmp_path):
    start = datetime(2026, 11, 20, tzinfo=UTC)
    prices = PriceRegister(store, [Override("examplecloud", "model-x", input=Decimal(1), output=Decimal(1))])
    prices.refresh(start)
    prices.resolve([("examplecloud", "model-x", "standard", "")], start)
    store.add([request(start + timedelta(hours=10), 1, provider="examplecloud", model="model-x", input_fresh=412_000)])
    made = [
        ROW,
        {
            **ROW,
            "ServiceSubcategory": "Virtual Machines",
            "ServiceName": "Compute",
            "SkuMeter": "p5.48xlarge",
            "BilledCost": "98",
        },
    ]
    brought(store, prices, write(tmp_path / "focus.csv", made))
    (one,) = reconcile(store, prices, start, start + timedelta(days=1))
    assert (one.residual.metered, one.residual.billed) == (Decimal("0.412"), Decimal("0.3708"))
    assert one.residual.causes["discount"] == Decimal("-0.0412")
