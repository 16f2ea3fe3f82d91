"""Files for others: FOCUS 1.4 that validates and comes back as the same money, views, chargeback, scheduled runs, OTLP."""

import csv
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import NOW, command, request
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from breakeven import chargeback, exports, metrics, otel
from breakeven.config import parse
from breakeven.export_config import ExportConfig
from breakeven.jobs import Jobs
from breakeven.service import Service
from ledger.costing import focus, focus_check, report
from ledger.costing.chargeback import RULES, Direct, statement
from ledger.errors import ConfigError, SourceBusy, SourceRefused
from ledger.prices.register import PriceRegister
from ledger.records import UsageBucket

EVER = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def span_of(service):
    (extent,) = service.store.ask("ledger.costing", "extent")
    return extent["first"], extent["last"] + timedelta(hours=1)


@pytest.fixture(scope="module")
def written(demo_service, tmp_path_factory):
    """FOCUS files of the demo, CSV and Parquet: (service, folder, files by form)."""
    service, *_ = demo_service
    folder = tmp_path_factory.mktemp("focus")
    files = {
        form: exports.export_focus(service, *span_of(service), str(folder / form), form)
        for form in ("csv", "parquet")
    }  # fmt: skip
    return service, folder, files


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_focus_files_validate_and_add_up_to_cost(written, form):
    service, _, files = written
    assert len(files[form]) >= 2
    rows = []
    for one in files[form]:
        columns, given_ = exports._read(Path(one.path))
        assert focus_check.check(columns, given_) == []
        rows += given_
    paid = report.cost(service.store)[1].cost
    for column in focus_check.MONEY:
        assert sum(Decimal(str(row[column])) for row in rows) == paid
    assert sum(one.usd for one in files[form]) == paid
    by = {}
    for row in rows:
        by[row["x_Component"]] = by.get(row["x_Component"], Decimal(0)) + Decimal(str(row["BilledCost"]))
    told = {r.group["component"]: r.cost for r in report.cost(service.store, by=["component"])[0] if r.cost}
    assert by == told
    assert {
        row["ResourceType"] for row in rows if row["x_Side"] == "self_hosted" and row["x_Component"] != "overhead"
    } == {"GPU host"}
    idle = [row for row in rows if row["CapacityReservationStatus"] == "Unused"]
    assert {row["x_Component"] for row in idle} == {"gpu_headroom", "gpu_warm_idle", "gpu_unallocated"}


def test_tokens_of_a_focus_file_are_those_that_have_a_price(written):
    """Input and output tokens of the API side, failed attempts included; unpriced ones are in no row."""
    service, _, files = written
    rows = [row for one in files["parquet"] for row in pq.read_table(one.path).to_pylist()]
    (api,) = (r for r in report.cost(service.store)[0] if r.group["side"] == "api")
    tokens = sum(row[name] or 0 for row in rows for name in ("x_InputTokens", "x_OutputTokens"))
    assert tokens == api.total_input + api.output - api.unpriced_tokens


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_focus_file_comes_back_as_the_same_money(written, tmp_path, form):
    """Read into an empty store, and once more: charges with the money, models and token classes of the export."""
    service, _, files = written
    for _ in range(2):
        found = command("import", *(one.path for one in files[form]), "--json", store=tmp_path / "store")
        assert json.loads(found.stdout)["rejected"] == 0
    with Service.open(parse({}), str(tmp_path / "store")) as other:
        sums = other.store.read("SELECT sum(billed_cost), sum(effective_cost), sum(list_cost), count() FROM v_charges")[
            1
        ][0]
        paid = report.cost(service.store)[1].cost
        assert sums[:3] == (paid, paid, paid)
        back = {
            (p, m, k): usd
            for p, m, k, usd in other.store.read(
                "SELECT provider, model, token_class, sum(billed_cost) FROM v_charges WHERE token_class != '' GROUP BY ALL"
            )[1]
        }
    by = ["side", "provider", "model", "component"]
    booked = {}
    for row in report.cost(service.store, by=by)[0]:
        group = row.group
        if group["side"] == "api" and group["component"] not in ("retries_failed", "overhead", "fees") and row.cost:
            booked[group["provider"], group["model"], group["component"]] = row.cost
    failed = service.store.read("SELECT sum(wasted_cost) FROM v_usage_hourly WHERE side = 'api'")[1][0][0]
    assert set(back) == set(booked)
    assert sum(back.values()) == sum(booked.values()) + failed


def test_reports_promises_and_hosts_are_charges_too(store):
    """Usage that only the provider tells, a minimum spend that is not used, two hosts of a pool: they add up."""
    settings = parse({
        "pools": {"lab": {"gpus": 3, "usd_per_gpu_hour": "2.5", "since": "2026-11-20", "nodes": ["h1", "h2"]}},
        "commitments": {"c": {"provider": "mistral", "usd_per_month": 900, "since": "2026-11-01"}},
        "overheads": {"support": {"side": "self_hosted", "share": 0.1}},
    })  # fmt: skip
    prices = PriceRegister(store)
    prices.resolve([("mistral", "mistral-large-latest", "standard", ""), ("openai", "gpt-4o", "standard", "")], NOW)
    first = datetime(2026, 11, 20, tzinfo=UTC)
    store.add([
        UsageBucket("s", "a", "mistral", "usage", first + timedelta(hours=n), 3600, "mistral-large-latest",
                    input_fresh=50_000, output=900, n_requests=3) for n in range(48)
    ])  # fmt: skip
    store.add([
        request(first + timedelta(hours=n), n, model="gpt-4o", input_fresh=9_000, output=100, request_key=f"r{n // 2}",
                attempt=n % 2 + 1, status=(500, 200)[n % 2], n_web_search=1, team="=x") for n in range(40)
    ])  # fmt: skip
    from ledger.records import GpuSample

    store.add([
        GpuSample(first + timedelta(hours=n), f"h{g % 2 + 1}", f"GPU-{g}", "", "", 3600.0, 20.0, None, 30_000, 90.0)
        for n in range(1, 30) for g in range(2)
    ])  # fmt: skip
    service = Service(settings, store, prices, at=first + timedelta(hours=48))
    service.tick()
    rows = list(focus.rows(store, first - timedelta(days=30), first + timedelta(days=3)))
    assert focus_check.check(focus.WRITTEN, rows) == []
    assert sum(row["BilledCost"] for row in rows) == report.cost(store)[1].cost
    assert {"h1", "h2"} <= {row["ResourceId"] for row in rows}
    assert {row["x_CountedFrom"] for row in rows} == {"reports", "requests", "declared"}
    assert {"Unused"} == {row["CommitmentDiscountStatus"] for row in rows if row["CommitmentDiscountId"]}
    assert sum(row["BilledCost"] for row in rows if row["x_Component"] == "retries_failed") > 0


def test_a_span_within_a_day_is_that_day(demo_service):
    service, *_ = demo_service
    day = (datetime.now(UTC) - timedelta(days=5)).replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = exports._span(service, f"{day:%Y-%m-%d}T10:00Z", f"{day:%Y-%m-%d}")
    assert (start, end) == (day, day + timedelta(days=1))
    paid = report.cost(service.store, since=start, until=end)[1].cost
    assert sum(row["BilledCost"] for row in focus.rows(service.store, start, end)) == paid


GOOD = {
    **dict.fromkeys(focus_check.MANDATORY), **dict.fromkeys(focus_check.MONEY, "1.5"), "BillingAccountId": "a",
    "BillingCurrency": "EUR", "BillingPeriodStart": "2026-11-01T00:00:00Z", "BillingPeriodEnd": "2026-12-01T00:00:00Z",
    "ChargePeriodStart": "2026-11-02T00:00:00Z", "ChargePeriodEnd": "2026-11-03T00:00:00Z", "ChargeCategory": "Usage",
    "InvoiceIssuerName": "i", "ServiceCategory": "Compute", "ServiceName": "s", "ServiceProviderName": "p",
    "PricingQuantity": "1", "PricingUnit": "Hours", "Tags": "{}",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"BilledCost": ""}, "BilledCost"), ({"BilledCost": "free"}, "BilledCost"), ({"ListCost": "NaN"}, "ListCost"),
        ({"BillingCurrency": "euro"}, "BillingCurrency"), ({"ChargeCategory": "usage"}, "ChargeCategory"),
        ({"ChargeClass": "Restated"}, "ChargeClass"), ({"ServiceCategory": "LLM"}, "ServiceCategory"),
        ({"ChargePeriodEnd": "2026-11-02T00:00:00Z"}, "ChargePeriodEnd"),
        ({"ChargePeriodStart": "2026-11-02"}, "ChargePeriodStart"), ({"PricingUnit": None}, "PricingUnit"),
        ({"PricingQuantity": None, "PricingUnit": None}, "PricingQuantity"), ({"Tags": "[1]"}, "Tags"),
        ({"ChargeCategory": "Tax", "ConsumedQuantity": "1", "ConsumedUnit": "Hours"}, "ConsumedQuantity"),
        ({"CapacityReservationId": "r", "CapacityReservationStatus": None}, "CapacityReservationStatus"),
    ],
)  # fmt: skip
def test_what_breaks_the_specification_is_named(change, column):
    assert focus_check.check(GOOD, [GOOD]) == []
    faults = focus_check.check([*GOOD, *change], [GOOD, {**GOOD, **change}])
    assert (faults[0].row, faults[0].column) == (2, column)


def test_columns_that_are_missing_or_unknown_are_named(tmp_path):
    names = [name for name in focus_check.MANDATORY if name != "ServiceName"]
    faults = focus_check.check([*names, "ProviderName"], [])
    assert [f.column for f in faults] == ["ServiceName", "ProviderName"]
    path = tmp_path / "theirs.csv"
    path.write_text("BilledCost,ProviderName\n1,AWS\n")
    said = command("export", "check", str(path), code=1).stdout
    assert "ServiceName: is mandatory" in said
    assert json.loads(command("export", "check", str(path), "--json", code=1).stdout)["rows"]
    assert len(focus_check.MANDATORY) == 21
    assert len(focus_check.STANDARD) == len(set(focus_check.STANDARD)) == 65


@pytest.mark.parametrize(
    "view", ["v_requests", "v_cost_hourly", "v_cost_daily", "v_gpu_hourly", "v_verdicts", "v_prices"]
)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_view_is_written_whole(demo_service, tmp_path, view, form):
    service, *_ = demo_service
    files = exports.export_view(service, view, *EVER, str(tmp_path), form)
    rows = service.store.read(f"SELECT count() FROM {view}")[1][0][0]
    assert sum(one.rows for one in files) == rows > 0
    assert not list(tmp_path.glob(".writing-*"))


def test_a_view_that_is_none_and_a_place_that_is_none(demo_service, tmp_path):
    service, *_ = demo_service
    with pytest.raises(ConfigError, match="not one of v_"):
        exports.export_view(service, "requests", *EVER, str(tmp_path), "csv")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file"):
        exports.export_view(service, "v_prices", *EVER, str(tmp_path / "file"), "csv")


def test_configured_exports_run_when_due(demo_service, tmp_path):
    """A job writes both files once, then not again within their hours; an object store is a URL (here file://)."""
    service, *_ = demo_service
    service.config = parse({**_table(service), "exports": {
        "finance": {"kind": "focus", "to": str(tmp_path / "finance")},
        "lake": {"kind": "view", "view": "v_cost_daily", "to": f"file://{tmp_path}/lake", "format": "csv"},
    }})  # fmt: skip
    try:
        said = Jobs(service).exports()
        assert "finance: " in said
        assert "lake: " in said
        assert Jobs(service).exports() == ""
        now = datetime.now(UTC)
        assert [e.name for e in exports.due(service, now + timedelta(hours=25))] == ["finance", "lake"]
        assert (tmp_path / "finance" / f"focus-{now:%Y-%m}.parquet").exists()
        assert list((tmp_path / "lake").glob("v_cost_daily-*.csv"))
    finally:
        service.config = parse(_table(service))


def test_an_export_that_fails_stops_no_other(demo_service, tmp_path):
    """A receiver that is down and a folder that is a file: told as the job's failure, the third is written, no hammering."""
    service, *_ = demo_service
    (tmp_path / "file").write_text("")
    service.config = parse({**_table(service), "exports": {
        "down": {"kind": "otlp", "to": "http://127.0.0.1:9/v1/metrics"},
        "blocked": {"kind": "focus", "to": str(tmp_path / "file")},
        "fine": {"kind": "view", "view": "v_prices", "to": str(tmp_path / "fine")},
    }})  # fmt: skip
    jobs = Jobs(service)
    try:
        with pytest.raises(SourceBusy, match=r"exports\.down"):
            jobs.exports()
        assert list((tmp_path / "fine").glob("v_prices*"))
        assert jobs.exports() == ""
    finally:
        service.config = parse(_table(service))


def _table(_):
    import tomllib

    from breakeven import demo

    return tomllib.loads(demo.text(datetime.now(UTC)))


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"kind": "excel", "to": "x"}, "not one of focus"),
        ({"kind": "view", "to": "x"}, "name a view"),
        ({"kind": "focus", "to": "x", "format": "xls"}, "not one of parquet"),
        ({"kind": "otlp", "to": "x"}, "address"),
        ({"kind": "otlp", "to": "http://x", "every_seconds": 1}, "5 seconds"),
        ({"kind": "otlp", "to": "http://x", "header": "token"}, "NAME: VALUE"),
    ],
)
def test_a_wrong_export_is_named(given_, said):
    with pytest.raises(ConfigError, match=said):
        parse({"exports": {"e": given_}})


# ---- OpenTelemetry ----------------------------------------------------------------------------------------------


def test_headline_costs_are_pushed(demo_service):
    """The figures of /metrics reach a receiver as gauges with units; one that is down is asked again later."""
    service, *_ = demo_service
    registry = metrics.collected(service.store, {}, datetime.now(UTC))
    with _receiver(200, 503, 401) as (url, came):
        one = ExportConfig("otlp", url, "o", header="X-Token: secret")
        sent = otel.push(one, registry, datetime.now(UTC))
        headers, body = came[0]
        assert (headers["X-Token"], headers["Content-Type"]) == ("secret", "application/x-protobuf")
        made = ExportMetricsServiceRequest.FromString(body).resource_metrics[0]
        told = {m.name: m for m in made.scope_metrics[0].metrics}
        assert sum(len(m.gauge.data_points) for m in told.values()) == sent > 10
        assert told["breakeven.cost"].unit == "{USD}"
        points = {tuple((a.key, a.value.string_value) for a in p.attributes): p.as_double
                  for p in told["breakeven.cost"].gauge.data_points}  # fmt: skip
        rolling = next(
            r for r in report.rolling(service.store, datetime.now(UTC)) if (r.window_h, r.side) == (168, "api")
        )
        assert points[("breakeven.side", "api"), ("breakeven.window", "7d")] == float(rolling.allocation)
        with pytest.raises(SourceBusy, match="503"):
            otel.push(one, registry, datetime.now(UTC))
        with pytest.raises(SourceRefused, match="401"):
            otel.push(one, registry, datetime.now(UTC))
    with pytest.raises(SourceBusy):
        otel.push(one, registry, datetime.now(UTC))
    assert "secret" not in repr(one)


def _receiver(*statuses):
    import threading
    from contextlib import contextmanager
    from http.server import BaseHTTPRequestHandler, HTTPServer

    @contextmanager
    def running():
        came, left = [], list(statuses)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                came.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(left.pop(0))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Say nothing."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/metrics", came
        server.shutdown()
        thread.join()
        server.server_close()

    return running()


# ---- Chargeback -------------------------------------------------------------------------------------------------

amounts = st.decimals(0, 10**5, places=12)


@given(
    st.lists(st.builds(Direct, st.sampled_from(["a", "b", "c", ""]), st.sampled_from(["API", "GPUs"]), amounts)),
    st.dictionaries(st.sampled_from(["idle", "overhead", "difference"]), st.decimals(-100, 10**5, places=12)),
    st.sampled_from(RULES),
)
def test_a_statement_adds_up_to_the_bill_whatever_the_rule(direct, shared, rule):
    found = statement(direct, shared, rule)
    assert found.bill == sum(d.usd for d in direct) + sum(shared.values())
    assert sum(line.usd for line in found.lines) == found.bill
    assert sum(found.owners().values()) == found.bill
    assert sum(cents for _, cents in found.cents()) == found.bill.quantize(Decimal("0.01"), "ROUND_HALF_EVEN")
    assert all(abs(cents - line.usd) <= Decimal("0.01") for line, cents in found.cents())


def test_shared_money_by_hand():
    """a 30, b 10, nobody's 5; idle 8: alone, 6 and 2 by cost, 4 and 4 evenly; what nobody owns carries nothing."""
    direct = [Direct("a", "API", Decimal(30)), Direct("b", "GPUs", Decimal(10)), Direct("", "API", Decimal(5))]
    for rule, expected in (
        ("own-line", {"a": 30, "b": 10, "(unattributed)": 5, "": 8}),
        ("by-cost", {"a": 36, "b": 12, "(unattributed)": 5}),
        ("even", {"a": 34, "b": 14, "(unattributed)": 5}),
    ):
        assert statement(direct, {"idle": Decimal(8)}, rule).owners() == expected
    with pytest.raises(ConfigError, match="not one of own-line"):
        statement(direct, {}, "lottery")


@pytest.mark.parametrize("by", chargeback.OWNERS)
@pytest.mark.parametrize("rule", RULES)
def test_a_month_of_the_demo_is_its_bill(demo_service, by, rule):
    """Metered money, GPUs and overheads, brought to what the provider bills for it."""
    service, *_ = demo_service
    last = (datetime.now(UTC).replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    found = chargeback.month(service, last, by, rule)
    paid = report.cost(service.store, since=found.period.start, until=found.period.end)[1].cost
    more = sum(one.billed - one.metered for one in found.billed)
    assert found.found.bill == paid + more
    assert more > 0
    table = list(csv.DictReader(found.csv().splitlines()))
    assert sum(Decimal(row["usd"]) for row in table[:-1]) == Decimal(table[-1]["usd"])
    told = found.json()
    assert sum(Decimal(row["usd"]) for row in told["rows"]) == Decimal(told["bill"])
    assert f"{found.found.bill:,.2f}" in found.html()
    assert "<script" not in found.html()


def test_a_bill_that_has_not_come_is_not_a_bill_of_nothing():
    """Days 1 to 4 metered 10 each; billed 11, 0, 21 and nothing yet; then the bill of day 1 in a currency without a rate."""
    from datetime import date
    from types import SimpleNamespace

    def day(n, billed, **left_out):
        figures = SimpleNamespace(metered=Decimal(10), billed=Decimal(billed))
        return SimpleNamespace(day=date(2026, 11, n), provider="p", residual=figures, is_final=True, left_out=left_out)

    days = [day(1, 11), day(2, 0), day(3, 21), day(4, 0)]
    (found,) = chargeback.differences(days, date(2026, 11, 1), date(2026, 11, 5))
    assert (found.billed - found.metered, found.days, found.unbilled_days) == (2, 3, 1)
    (one,) = chargeback.differences(days, date(2026, 11, 1), date(2026, 11, 3))
    assert (one.billed - one.metered, one.unbilled_days) == (-9, 0)  # day 2 came with the bill of day 3
    (euro,) = chargeback.differences([day(1, 0, EUR=Decimal(9)), *days[1:]], date(2026, 11, 1), date(2026, 11, 5))
    assert (euro.billed - euro.metered, euro.days, euro.foreign_days) == (1, 2, 1)


def test_a_statement_is_no_formula_and_no_markup():
    evil = chargeback.Month(
        _month(), "team", "own-line",
        statement([Direct("=cmd()", "API", Decimal(1)), Direct("<b>x</b>", "API", Decimal(1))], {}, "own-line"), 7, 0, [],
    )  # fmt: skip
    assert "'=cmd()" in evil.csv()
    assert "<b>x" not in evil.html()
    assert "lower bound" in evil.html()


def _month():
    from ledger.costing.why import Period

    return Period(*EVER)
