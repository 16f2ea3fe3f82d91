"""The API against its own description: whatever it says it takes it takes, and nothing makes it fall over."""

import io
import json
from datetime import UTC, datetime, timedelta

import pyarrow.parquet
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from made import NOW, request
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.errors import InvalidSchema
from starlette.testclient import TestClient

from breakeven import web
from breakeven.client import Client, Refused
from breakeven.config import parse
from breakeven.openapi import Param
from breakeven.service import Service
from ledger.errors import ConfigError
from ledger.prices.register import PriceRegister

load_all_checks()
HOST = {"Host": "localhost"}
GENTLE = settings(
    max_examples=15, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """Two workloads over thirty hours, a pool of two GPUs, a model without a price."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    declared = {"pools": {"lab": {"gpus": 2, "usd_per_gpu_hour": 2, "since": now - timedelta(hours=40)}},
                "workloads": {"bot": {"team": "web"}, "mail": {}}}  # fmt: skip
    with Service.open(parse(declared), str(tmp_path_factory.mktemp("api"))) as service:
        prices = PriceRegister(service.store)
        prices.resolve([("openai", m, "standard", "") for m in ("gpt-4o-mini", "gpt-4o", "none")], NOW)
        rows = [
            request(now - timedelta(hours=n), n, workload=("bot", "mail")[n % 2], team=("web", "")[n % 2],
                    model=("gpt-4o-mini", "gpt-4o", "none")[n % 3], input_fresh=1000, output=500)
            for n in range(1, 31)
        ]  # fmt: skip
        for month in {row.at.month for row in rows}:
            service.store.add([row for row in rows if row.at.month == month])
        service.tick()
        service.evaluate()
        yield web.application(service, jobs=False)


@pytest.fixture(scope="module")
def client(app):
    return TestClient(app, headers=HOST)


@pytest.fixture(scope="module")
def operations(app):
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers=HOST)
    return {one.label: one for one in (found.ok() for found in schema.get_all_operations())}


PATHS = [
    "GET /api/v1/cost", "GET /api/v1/verdicts", "GET /api/v1/idle", "GET /api/v1/reconciliation", "GET /api/v1/alerts",
    "GET /api/v1/sources", "GET /api/v1/prices", "GET /api/v1/vintages", "GET /api/v1/why",
    "GET /api/v1/chargeback", "GET /api/v1/dashboards/{dashboard}", "GET /api/v1/panels/{dashboard}/{panel}",
    "GET /api/v1/marks/{dashboard}", "POST /api/v1/query",
]  # fmt: skip
NOT_IN_A_SCHEMA = {"GET /api/v1/panels/{dashboard}/{panel}", "POST /api/v1/query", "GET /api/v1/why",
                   "GET /api/v1/chargeback"}  # fmt: skip
"""Which panels a dashboard has, what is SQL, and which period comes first cannot be said in a schema."""


def test_every_answer_is_described(operations):
    assert sorted(operations) == sorted(PATHS)


@pytest.mark.parametrize("label", PATHS)
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
def test_the_api_keeps_its_contract(operations, label, mode):
    """No 5xx, no answer that is not described, what fits the description is taken, what does not is refused."""
    one = operations[label]
    try:
        made = one.as_strategy(generation_mode=mode)
    except InvalidSchema:  # pragma: no cover
        pytest.fail("the description is not valid")
    if mode.is_negative and not list(one.iter_parameters()) and not one.body:
        pytest.skip("takes nothing, so that nothing can be wrong")
    off = [CHECKS.get_one("positive_data_acceptance")] if label in NOT_IN_A_SCHEMA else []
    seen = []

    @GENTLE
    @given(made)
    def ask(case):
        if mode.is_positive and "as-of" in str(case.query):
            case.query = {k: v for k, v in case.query.items() if k not in ("prices", "against")}  # days to come
        answer = case.call(headers=HOST)
        seen.append(answer.status_code)
        case.validate_response(answer, excluded_checks=off)

    ask()
    assert seen
    assert max(seen) < 500


def test_the_description_names_the_version_and_is_json(client):
    found = client.get("/api/v1/openapi.json").json()
    assert found["openapi"].startswith("3.1")
    assert found["info"]["version"]


def test_pages_of_rows_are_the_rows(client):
    asked = {"by": "workload,model", "bucket": "hour"}
    whole = client.get("/api/v1/cost", params=asked).json()
    assert (whole["count"], whole["next"]) == (len(whole["rows"]), None)
    rows, offset = [], 0
    while offset is not None:
        part = client.get("/api/v1/cost", params={**asked, "limit": 7, "offset": offset}).json()
        assert part["total"] == whole["total"]
        rows += part["rows"]
        offset = part["next"]
    assert rows == whole["rows"]


def test_filters_by_any_dimension_add_up(client):
    def cost(**more):
        return client.get("/api/v1/cost", params={"by": "component", **more}).json()

    whole = sum(float(row["cost"] or 0) for row in cost(side="api")["rows"])
    parts = [cost(side="api", model=m)["total"]["cost"] for m in ("gpt-4o-mini", "gpt-4o")]
    assert sum(map(float, parts)) == pytest.approx(whole)
    assert cost(model="gpt-4o-mini,gpt-4o", side="api")["total"] == cost(side="api", provider="openai")["total"]
    assert cost(team="web")["total"]["cost"] == cost(workload="bot")["total"]["cost"]
    output = cost(component="output")
    assert [row["component"] for row in output["rows"]] == ["output"]
    assert output["total"]["requests"] is None


def test_how_the_money_is_known_adds_up(client):
    for row in client.get("/api/v1/cost", params={"by": "side,workload"}).json()["rows"]:
        shares = row["shares"]
        if shares["measured"] is not None:
            assert sum(shares[n] for n in ("measured", "reported", "declared", "unknown")) == pytest.approx(1)
    (api,) = (r for r in client.get("/api/v1/cost").json()["rows"] if r["side"] == "api")
    assert api["shares"]["unpriced_tokens"] == pytest.approx(1 / 3)


def test_prices_are_held_against_others(client):
    found = client.get("/api/v1/cost", params={"prices": "current", "against": "booked"}).json()
    assert (found["prices"], found["against"]) == ("current", "booked")
    for row in [*found["rows"], found["total"]]:
        assert float(row["cost"]) - float(row["against_cost"]) == pytest.approx(float(row["difference"]))
    assert [row["vintage"] for row in client.get("/api/v1/vintages").json()["rows"]] == ["current"]


SQL = "SELECT workload, sum(cost) AS usd FROM v_requests WHERE side = {side:String} GROUP BY workload ORDER BY workload"


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("json", "application/json"), ("csv", "text/csv"), ("parquet", "application/vnd.apache.parquet"),
        ("arrow", "application/vnd.apache.arrow.file"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("side", ["api", "nowhere"])
def test_a_query_is_answered_in_every_form(client, form, kind, side):
    """Rows and no rows: the names of the columns are always there."""
    asked = {"sql": SQL, "parameters": {"side": side}, "format": form}
    answer = client.post("/api/v1/query", json=asked)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)
    if form == "json":
        names, rows = answer.json()["columns"], answer.json()["rows"]
    elif form == "csv":
        lines = answer.text.splitlines()
        names, rows = json.loads(f"[{lines[0]}]"), lines[1:]
    elif form == "parquet":
        table = pyarrow.parquet.read_table(io.BytesIO(answer.content))
        names, rows = table.column_names, table.to_pylist()
    else:
        with pyarrow.ipc.open_file(io.BytesIO(answer.content)) as file:
            names, rows = file.schema.names, file.read_all().to_pylist()
    assert names == ["workload", "usd"]
    assert len(rows) == (2 if side == "api" else 0)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"sql": "DROP TABLE requests"}, 422, "SELECT"),
        ({"sql": "SELECT 1; SELECT 2"}, 422, ";"),
        ({"sql": "SELECT * FROM file('/etc/passwd')"}, 422, "not allowed"),
        ({"sql": "SELECT {x:String}"}, 422, "x"),
        ({"sql": ""}, 422, "one SELECT"),
        ({"sql": "SELECT 1", "limit": 3}, 422, "'limit' is not one of"),
        ({"sql": "SELECT 1", "parameters": [1]}, 422, "object"),
        ({"sql": "SELECT 1", "parameters": {"x": {"y": 1}}}, 422, "parameters.x"),
        ({"sql": "SELECT 1", "format": "xls"}, 422, "not one of json"),
        ([1], 422, "object"),
    ],
)  # fmt: skip
def test_a_bad_query_says_what_to_do(client, body, status, words):
    answer = client.post("/api/v1/query", json=body)
    assert (answer.status_code, words in answer.json()["error"]["message"]) == (status, True)


def test_a_query_from_a_form_or_a_flood_is_not_taken(client):
    assert client.post("/api/v1/query", content=b'{"sql": "SELECT 1"}').status_code == 415
    as_json = {"Content-Type": "application/json"}
    assert client.post("/api/v1/query", content=b"x" * (1 << 20) + b"y", headers=as_json).status_code == 413
    assert client.post("/api/v1/query", content=b"\xff{", headers=as_json).status_code == 422
    assert client.post("/api/v1/query", content=b"[" * 100_000, headers=as_json).status_code == 422
    assert client.get("/api/v1/query").status_code == 405


def test_the_limits_of_a_query_hold(client):
    answer = client.post("/api/v1/query", json={"sql": "SELECT number FROM numbers(100001)"})
    assert answer.status_code == 422
    assert "100.00" in answer.json()["error"]["message"].replace(" thousand", "") or "rows" in answer.text


def test_the_client_asks_the_same(client):
    """The Python client over the application itself: costs with their filters, SQL with values, errors by name."""
    mine = Client("http://localhost", transport=client._transport)
    assert mine.cost(by=["workload"], team=["web"]) == client.get("/api/v1/cost?by=workload&team=web").json()
    rows = mine.query(SQL, side="api")
    assert [row["workload"] for row in rows] == ["bot", "mail"]
    assert [row["workload"] for row in mine.verdicts()] == ["bot", "mail"]
    with pytest.raises(Refused, match="not one of side"):
        mine.cost(by=["colour"])
    whole = mine.cost(by=["workload"], bucket="hour", limit=5)
    assert len(list(mine.cost_rows(by=["workload"], bucket="hour", limit=5))) == whole["count"]


def test_a_parameter_given_twice_is_refused():
    with pytest.raises(ConfigError, match="once"):
        Param("limit", "").read(["1", "2"])
