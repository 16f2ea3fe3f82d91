"""Bills of AWS, Azure and Google in their own forms: each line an exact charge, parts and refreshes of an export once."""

import csv
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import NOW, request

from collector import files, remote
from collector.attribution import Attribution
from collector.clouds import pairs
from collector.importer import Plan, import_file
from collector.source import BILLS, source
from collector.sources import azure, bedrock, google
from collector.sources.requests_log import Defaults
from ledger.costing.reconcile import reconcile
from ledger.errors import BadRow, SourceRefused
from ledger.prices.book import Override
from ledger.prices.register import PriceRegister

AT = datetime(2026, 11, 20, tzinfo=UTC)
DAY = timedelta(days=1)
CUR = {
    "identity_line_item_id": "abc", "bill_payer_account_id": "111122223333", "bill_billing_period_start_date": "2026-11-01T00:00:00.000Z",
    "line_item_usage_account_id": "444455556666", "line_item_usage_start_date": "2026-11-20T00:00:00.000Z",
    "line_item_usage_end_date": "2026-11-21T00:00:00.000Z", "line_item_line_item_type": "Usage", "line_item_product_code": "AmazonBedrock",
    "line_item_usage_type": "USE1-Claude4Sonnet-input-tokens", "line_item_usage_amount": "412.0", "pricing_unit": "1K tokens",
    "line_item_currency_code": "USD", "line_item_unblended_cost": "1.2360000000", "line_item_net_unblended_cost": "",
    "pricing_public_on_demand_cost": "1.236", "product": '{"product_name": "Amazon Bedrock"}', "resource_tags": "{}",
}  # fmt: skip
EXPORT = {
    "date": "11/20/2026", "billingPeriodStartDate": "11/01/2026", "subscriptionId": "sub-1", "resourceId": "/subscriptions/x/accounts/y",
    "meterCategory": "Foundry Models", "meterSubCategory": "Azure OpenAI", "meterName": "gpt 4.1 mini cached Inp glbl Tokens",
    "unitOfMeasure": "1M", "quantity": "2.5", "costInBillingCurrency": "0.25", "billingCurrency": "EUR", "chargeType": "Usage",
    "tags": '"team": "checkout"',
}  # fmt: skip
BIGQUERY = {
    "billing_account_id": "01-02", "service": {"description": "Gemini API"}, "project": {"id": "p-1"},
    "sku": {"id": "S1", "description": "Generate content output token count gemini 2.5 flash short output text"},
    "usage_start_time": "2026-11-20 00:00:00 UTC", "usage_end_time": "2026-11-20 01:00:00 UTC", "cost": 3.5, "currency": "USD",
    "usage": {"amount": 1400000.0, "unit": "count"}, "labels": [{"key": "team", "value": "checkout"}],
    "credits": [{"name": "Committed spend", "amount": -0.5}, {"name": "Committed spend", "amount": -0.25}],
    "invoice": {"month": "202611"}, "cost_type": "regular", "export_time": "2026-11-21 04:00:00 UTC",
}  # fmt: skip
ROWS = {"bedrock": CUR, "azure": EXPORT, "google": BIGQUERY}


def parse(kind, **change):
    given = {k: v for k, v in {**ROWS[kind], **change}.items() if v is not None}
    return source(kind)(now=NOW).parse(given)


@pytest.mark.parametrize("kind", ROWS)
def test_a_row_is_known_by_its_columns_alone(kind):
    assert [name for name in BILLS if source(name)(now=NOW).fits(ROWS[kind])] == [kind]


def test_a_line_of_a_cost_and_usage_report():
    (found,) = parse("bedrock")
    assert (found.provider, found.account, found.project) == ("aws", "111122223333", "444455556666")
    assert (found.start, found.end, found.billing_period) == (AT, AT + DAY, date(2026, 11, 1))
    assert (found.model, found.token_class, found.tier) == ("Claude4Sonnet", "input_fresh", "standard")
    assert (found.billed_cost, found.list_cost, found.currency) == (Decimal("1.236"), Decimal("1.236"), "USD")
    assert (found.quantity, found.unit, found.about_models) == (412_000.0, "tokens", 1)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"line_item_net_unblended_cost": "1.10"}, {"billed_cost": Decimal("1.10")}),
        ({"line_item_usage_type": "USE1-Claude4Sonnet-output-tokens-cross-region-global-batch"}, {"token_class": "output", "tier": "batch"}),
        ({"line_item_usage_type": "USE1-Claude4Sonnet-cache-read-input-token-count"}, {"token_class": "cache_read", "model": "Claude4Sonnet"}),
        ({"line_item_usage_type": "USE1-Claude4Sonnet-cache-write-input-token-count"}, {"token_class": "cache_write_other"}),
        ({"line_item_usage_type": "USE1-Nova2-mantle-input-tokens-global-standard"}, {"token_class": "input_fresh", "model": "Nova2"}),
        ({"line_item_usage_type": "USE1-MP:USE1_OutputTokenCount_Global-Units", "pricing_unit": "1M tokens",
          "product": {"product_name": "Claude Sonnet 4.5 (Amazon Bedrock Edition)"}},
         {"token_class": "output", "model": "Claude Sonnet 4.5", "quantity": 412_000_000.0}),
        ({"line_item_usage_type": "USE1-ProvisionedThroughput-ModelUnits", "pricing_unit": "Hours"}, {"token_class": "", "model": "", "unit": "Hours"}),
        ({"line_item_line_item_type": "Tax"}, {"charge_category": "tax"}),
        ({"line_item_line_item_type": "EdpDiscount", "line_item_unblended_cost": "-0.1"}, {"charge_category": "credit"}),
        ({"line_item_line_item_type": "Something New"}, {"charge_category": "adjustment"}),
        ({"line_item_product_code": "AmazonEC2", "line_item_usage_type": "BoxUsage:p5.48xlarge", "product": None, "pricing_unit": "Hrs"},
         {"about_models": 0, "model": ""}),
    ],
)  # fmt: skip
def test_lines_of_aws(change, expected):
    (found,) = parse("bedrock", **change)
    assert {name: getattr(found, name) for name in expected} == expected


def test_a_line_of_an_azure_export():
    (found,) = parse("azure")
    assert (found.provider, found.start, found.end, found.billing_period) == ("azure", AT, AT + DAY, date(2026, 11, 1))
    assert (found.model, found.token_class, found.quantity) == ("gpt 4.1 mini", "cache_read", 2_500_000.0)
    assert (found.billed_cost, found.currency, found.about_models) == (Decimal("0.25"), "EUR", 1)


@pytest.mark.parametrize(
    ("meter", "model", "token_class", "tier"),
    [
        ("gpt 4.1 Inp glbl Tokens", "gpt 4.1", "input_fresh", "standard"),
        ("gpt 4.1 mini Batch Outp glbl Tokens", "gpt 4.1 mini", "output", "batch"),
        ("GPT 5 Mini cchd Inpt Glbl 1M Tokens", "gpt 5 mini", "cache_read", "standard"),
        ("6-sol ShortCo Inp PP Gl", "6-sol", "input_fresh", "priority"),
        ("gpt 4o Outp Data Zone Tokens", "gpt 4o", "output", "standard"),
        ("Provisioned Managed Global Unit", "", "", "standard"),
    ],
)
def test_meters_of_azure(meter, model, token_class, tier):
    (found,) = parse("azure", meterName=meter)
    assert (found.model, found.token_class, found.tier) == (model, token_class, tier)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"date": "2026-11-20"}, {"start": AT}),
        ({"date": "2026-11-20T00:00:00Z"}, {"start": AT}),
        (
            {"chargeType": "Refund", "costInBillingCurrency": "-1"},
            {"charge_category": "credit", "billed_cost": Decimal(-1)},
        ),
        ({"chargeType": "UnusedReservation"}, {"charge_category": "purchase"}),
        (
            {
                "meterCategory": "Virtual Machines",
                "meterSubCategory": "NC",
                "meterName": "NC24",
                "unitOfMeasure": "1 Hour",
            },
            {"about_models": 0},
        ),
    ],
)
def test_lines_of_azure(change, expected):
    (found,) = parse("azure", **change)
    assert {name: getattr(found, name) for name in expected} == expected


def test_a_row_of_google_and_its_credits():
    """Cost is before credits: they are charges of their own, and the sum is what the invoice says."""
    found, credit = parse("google")
    assert (found.provider, found.model, found.token_class, found.quantity) == (
        "google",
        "gemini 2.5 flash",
        "output",
        1_400_000.0,
    )
    assert (found.start, found.end, found.billing_period) == (AT, AT + timedelta(hours=1), date(2026, 11, 1))
    assert (credit.charge_category, credit.line, credit.billed_cost) == ("credit", "Committed spend", Decimal("-0.75"))
    assert found.billed_cost + credit.billed_cost == Decimal("2.75")


@pytest.mark.parametrize(
    ("sku", "model", "token_class", "tier"),
    [
        (
            "Generate content cached input token count gemini 2.5 flash short input text",
            "gemini 2.5 flash",
            "cache_read",
            "standard",
        ),
        ("Gemini 2.5 Pro Text Input - Predictions", "Gemini 2.5 Pro", "input_fresh", "standard"),
        ("Generate content output token count gemini 2.5 pro flex output text", "gemini 2.5 pro", "output", "flex"),
        ("Cached content storage token hours gemini 2.5 flash", "", "", "standard"),
        ("Grounding with Google Search", "", "", "standard"),
    ],
)
def test_skus_of_google(sku, model, token_class, tier):
    found, *_ = parse("google", sku={"description": sku})
    assert (found.model, found.token_class, found.tier) == (model, token_class, tier)


def test_the_label_of_a_model_wins_and_flat_columns_are_read():
    found, *_ = parse("google", labels=[{"key": "goog-generativelanguage-model", "value": "gemini-2.5-flash"}])
    assert found.model == "gemini-2.5-flash"
    flat = {"service.description": "Vertex AI", "sku.description": "Claude Sonnet 4 Output tokens", "usage_start_time": "2026-11-20T00:00:00Z",
            "usage_end_time": "2026-11-20T01:00:00Z", "cost": "1", "currency": "USD"}  # fmt: skip
    (found,) = source("google")(now=NOW).parse(flat)
    assert (found.model, found.token_class, found.about_models) == ("Claude Sonnet 4", "output", 1)


@pytest.mark.parametrize(
    ("kind", "change", "column"),
    [
        (
            "bedrock",
            {"line_item_unblended_cost": "a lot", "line_item_net_unblended_cost": None},
            "line_item_unblended_cost",
        ),
        ("bedrock", {"line_item_usage_start_date": "yesterday"}, "line_item_usage_start_date"),
        ("azure", {"costInBillingCurrency": ""}, "costInBillingCurrency"),
        ("azure", {"date": "20/11/2026"}, "date"),
        ("google", {"cost": None}, "cost"),
        ("google", {"credits": [{"name": "x", "amount": "NaN"}]}, "credits.amount"),
    ],
)
def test_a_bad_cell_is_named(kind, change, column):
    with pytest.raises(BadRow) as caught:
        parse(kind, **change)
    assert caught.value.field == column


@pytest.mark.parametrize(
    "given", ['{"a": "1"}', '"a": "1"', {"a": 1}, [("a", "1")], [{"key": "a", "value": "1"}]],
    ids=["json", "no-braces", "map", "pairs", "labels"],
)  # fmt: skip
def test_tags_in_any_form(given):
    assert pairs(given) == {"a": "1"}
    assert pairs("not json {") == pairs(None) == {}


# ---- files -------------------------------------------------------------------------------------------------------


@pytest.fixture
def bring(store):
    prices = PriceRegister(store, [Override("aws", "anthropic.claude-sonnet-4-20250514-v1:0", input=Decimal(3))])

    def run(*paths):
        plan = Plan({}, Defaults())
        found = [
            import_file(store, prices, Attribution(), path, plan, NOW).counts for path in files.expand(list(paths))
        ]
        return sum(c.accepted for c in found), sum(c.duplicate for c in found), sum(c.rejected for c in found)

    run.prices = prices
    return run


def write_csv(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as out:
        table = csv.DictWriter(out, list(CUR))
        table.writeheader()
        table.writerows(rows)
    return path


def lines(*costs):
    return [
        {**CUR, "line_item_resource_id": f"r{n}", "line_item_unblended_cost": str(usd)} for n, usd in enumerate(costs)
    ]


def billed(store):
    return store.read("SELECT sum(billed_cost), count() FROM v_charges")[1][0]


CUR["line_item_resource_id"] = ""


def test_parts_of_an_export_may_be_cut_otherwise_the_next_day(store, bring, tmp_path):
    """Rows move from the second part to the first and back; ids of lines and the invoice change; a row goes, one is revised."""
    rows = lines(1, 2, 3, 4)
    for first, second in (([0, 1], [2, 3]), ([0, 1, 2], [3]), ([0], [1, 2, 3])):
        for name, part in (("part-1.csv", first), ("part-2.csv", second)):
            write_csv(tmp_path / name, [{**rows[n], "identity_line_item_id": f"{name}{n}"} for n in part])
        bring(tmp_path)
        assert billed(store) == (Decimal(10), 4)
    write_csv(tmp_path / "part-1.csv", lines(1.5))
    write_csv(tmp_path / "part-2.csv", lines(1, 2, 3)[1:])
    bring(tmp_path)
    assert billed(store) == (Decimal("6.5"), 3)
    assert bring(tmp_path) == (0, 3, 0)


def test_of_an_export_only_what_its_manifest_lists_is_read(tmp_path, store, bring):
    """Older runs lie beside the live one; folders without a manifest are read whole; a broken manifest says nothing."""
    data = tmp_path / "data" / "BILLING_PERIOD=2026-11"
    live, old = write_csv(data / "run2-00001.csv", lines(5)), write_csv(data / "run1-00001.csv", lines(7))
    (tmp_path / "metadata").mkdir()
    told = {"dataFiles": [f"s3://bucket/x/data/BILLING_PERIOD=2026-11/{live.name}"]}
    (tmp_path / "metadata" / "x-Manifest.json").write_text(json.dumps(told))
    assert files.expand([tmp_path]) == [live]
    (tmp_path / "metadata" / "x-Manifest.json").write_text("not json")
    assert files.expand([tmp_path]) == [old, live]
    (data / "manifest.json").write_text(json.dumps({"blobs": [{"blobName": f"a/BILLING_PERIOD=2026-11/{old.name}"}]}))
    assert files.expand([tmp_path]) == [old]


def test_an_object_store_is_copied_and_read(tmp_path, store, bring):
    """Through the same file systems that read s3:// and gs://; here one that is on this machine."""
    write_csv(tmp_path / "bucket" / "a" / "one.csv", lines(5))
    url = (tmp_path / "bucket").as_uri()
    assert remote.is_remote(url)
    assert not remote.is_remote("a/b.csv")
    copy = remote.fetch(url, tmp_path / "copy")
    assert bring(copy) == (1, 0, 0)
    assert bring(remote.fetch(url + "/a/one.csv", tmp_path / "again")) == (0, 1, 0)
    with pytest.raises(SourceRefused, match="nosuch"):
        remote.fetch((tmp_path / "nosuch").as_uri(), tmp_path / "x")


def test_parquet_with_maps(tmp_path, store, bring):
    row = {
        **CUR,
        "product": [("product_name", "Claude Sonnet 4 (Amazon Bedrock Edition)")],
        "line_item_usage_type": "USE1-MP:USE1_InputTokenCount-Units",
    }
    schema = pa.schema([(k, pa.map_(pa.string(), pa.string()) if k == "product" else pa.string()) for k in row])
    pq.write_table(pa.Table.from_pylist([row], schema), tmp_path / "a.parquet")
    assert bring(tmp_path / "a.parquet") == (1, 0, 0)
    assert store.read("SELECT model, token_class FROM v_charges")[1] == [("Claude Sonnet 4", "input_fresh")]


def test_a_bill_of_aws_is_held_against_requests(store, bring, tmp_path):
    """The bill's Claude4Sonnet is the request's ARN-like name; 10 % over the book is a price, not missing usage."""
    model = "anthropic.claude-sonnet-4-20250514-v1:0"
    bring.prices.resolve([("aws", model, "standard", "")], NOW)
    store.add([request(AT, 1, provider="aws", model=model, input_fresh=412_000)])
    write_csv(tmp_path / "cur.csv", [{**CUR, "line_item_unblended_cost": "1.3596"}])
    bring(tmp_path / "cur.csv")
    (found,) = reconcile(store, bring.prices, AT, AT + DAY)
    assert (found.residual.metered, found.residual.billed) == (Decimal("1.236"), Decimal("1.3596"))
    assert found.residual.causes["unknown"] == Decimal(
        "0.1236"
    )  # no usage report of AWS: a price cannot be told from usage


@pytest.mark.parametrize("module", [azure, bedrock, google])
def test_every_category_is_one_of_focus(module):
    assert set(module.CATEGORIES.values()) <= {"usage", "purchase", "tax", "credit", "adjustment"}
