"""The service over HTTP: page, panels, figures, health, metrics, receiver, jobs; and the page in a real browser."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from made import NOW, request
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from breakeven import web
from breakeven.config import parse
from breakeven.jobs import Jobs
from breakeven.service import Service
from dashboards import page, panel
from ledger.embedded.gate import Gate, _allowed_names
from ledger.errors import StoreUnavailable
from ledger.prices.register import PriceRegister
from ledger.records import EngineSample, GpuSample

PANELS = [
    (name, key) for name in panel.NAMES for key, one in panel.dashboard(name).panels.items() if one.draw != "text"
]


@pytest.fixture
def service(store):
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    settings = parse({"pools": {"lab": {"gpus": 2, "usd_per_gpu_hour": 2, "since": now - timedelta(hours=50)}},
                      "workloads": {"bot": {}}})  # fmt: skip
    prices = PriceRegister(store)
    prices.resolve([("openai", "gpt-4o-mini", "standard", "")], NOW)
    rows = [request(now - timedelta(hours=n), n, workload="bot", input_fresh=1000, output=500) for n in range(1, 40)]
    for month in {r.at.month for r in rows}:
        store.add([r for r in rows if r.at.month == month])
    service = Service(settings, store, prices)
    service.tick()
    service.evaluate()
    return service


@pytest.fixture
def client(service):
    return TestClient(web.application(service, jobs=False))


def test_every_panel_answers_with_and_without_data(client, service, store):
    """All panels over one store, filled and then emptied: columns of one length, and unknown is never drawn as 0."""
    now = datetime.now(UTC)
    store.add([GpuSample(now - timedelta(minutes=5), "n1", "GPU-1", "", "lab", 10.0, 50.0, None, 40_000, 300.0)])
    store.add(
        [EngineSample(now - timedelta(minutes=5), "n1", "own", "r1", "m", "lab", 15.0, 1, 100, 0, 50, running=1.0)]
    )
    service.tick()
    silent = {  # what is wrong, what nobody did, what no reading tells
        "unpriced_models", "unpriced_usage", "unmapped", "unknown_gpus", "log", "realised", "flips", "reconciliation", "jobs", "build",
        "kv_cache", "temperature", "break_even", "hourly", "headroom", "options", "forecast", "active_alerts", "budget", "rules",
    }  # fmt: skip
    for name, key in PANELS:
        chosen = {"var-workload": "bot"} if "workload" in panel.dashboard(name).variables else {}
        answer = client.get(f"/api/v1/panels/{name}/{key}", params=chosen)
        assert answer.status_code == 200, (name, key, answer.text)
        found = answer.json()
        assert found["rows"] > 0 or key in silent or key == "latency", (name, key)
        assert all(len(column) == found["rows"] for column in found["columns"]), (name, key)
        assert len(found["fields"]) == len(found["columns"]), (name, key)
    tables = "SELECT name FROM system.tables WHERE engine LIKE '%MergeTree' AND database = currentDatabase()"
    for (table,) in store._client.query(tables).result_rows:
        if table not in ("prices", "schema_migrations"):
            store.command(f"TRUNCATE TABLE {table}")
    for name, key in PANELS:
        empty = client.get(f"/api/v1/panels/{name}/{key}").json()
        for column, about in zip(empty["columns"], empty["fields"], strict=True):
            known = [v for v in column if v is not None and about["type"] == "number"]
            assert known == [] or key == "store", (name, key, "nothing known must not be drawn as 0")
    for name in panel.NAMES:
        assert client.get(f"/api/v1/marks/{name}").json() == {"marks": []}


SQL_FILES = sorted(p for p in Path(panel.__file__).parent.rglob("*.sql"))


@pytest.mark.parametrize("path", SQL_FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_every_statement_keeps_the_rules(path):
    """What Grafana would take for a variable, what would make two statements, what depends on the moment or the database."""
    text = path.read_text("utf-8")
    assert text.startswith("-- ")
    for word in ("$", "[[", ";", "SETTINGS", "FORMAT", "SELECT *", "now()", "today()", "breakeven."):
        assert word not in text
    if path.parent.name == "variables":
        assert not {"from", "to"} & set(panel.places(text))


@pytest.mark.parametrize(("name", "key"), PANELS)
def test_every_place_can_be_filled(name, key):
    text = panel.statement(name, key)
    for place, kind in panel.places(text).items():  # a list that the dashboard does not offer stands for all
        offered = place in panel.dashboard(name).variables or (kind == "Array(String)" and place in panel.variables())
        assert place in panel.PLACES or offered


def test_no_column_of_a_documented_view_is_a_refused_name(store):
    allowed = frozenset(_allowed_names())
    known = frozenset(row[0].lower() for row in store._client.query("SELECT name FROM system.functions").result_rows)
    gate = Gate(known, allowed)
    views = [
        row[0]
        for row in store._client.query(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE 'v\\_%'"
        ).result_rows
    ]
    assert len(views) >= 7
    for view in views:
        for row in store._client.query(f"DESCRIBE TABLE {view}").result_rows:
            gate._judge_identifier(row[0])
        assert isinstance(store.read(f"SELECT * FROM {view} LIMIT 1")[0], list)


def test_a_period_that_is_none_is_said_on_the_page(client):
    for asked, words in (
        ("from=2026-01..2026-02", "write 2026-03"),
        ("to=%3Cb%3E", "&lt;b&gt;"),
        ("timezone=Mars", "no such zone"),
    ):
        answer = client.get(f"/why?{asked}")
        assert (answer.status_code, words in answer.text, "<b>" in answer.text) == (422, True, False)


def test_cost_is_the_same_from_the_api_and_the_command(client, service):
    from ledger.costing import report

    rows, total = report.cost(service.store, by=["workload"])
    found = client.get("/api/v1/cost", params={"by": "workload"}).json()
    assert (found["rows"], found["total"]) == ([r.json() for r in rows], total.json())
    assert {k: found[k] for k in ("prices", "basis", "count", "next")} == {
        "prices": "booked", "basis": "allocation", "count": len(rows), "next": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/api/v1/cost?by=colour", 422, "not one of side"),
        ("/api/v1/cost?colour=1", 422, "'colour' is not one of by"),
        ("/api/v1/cost?since=2026-01-01T00:00", 422, "no time zone"),
        ("/api/v1/panels/nowhere/x", 404, "not one of overview"),
        ("/api/v1/panels/overview/x", 422, "not one of spend_api"),
        ("/api/v1/panels/overview/spend_api?var-x=1", 422, "not one of team"),
        ("/api/v1/panels/workload/latency?var-slo_ttft=soon", 422, "'soon' is not a number"),
        ("/api/v1/panels/workload/why", 422, "is a text"),
        ("/api/v1/panels/overview/spend_api?from=now", 422, "not a time"),
        ("/api/v1/idle?hours=-1", 422, "a number from 1"),
    ],
)
def test_errors_are_json_that_says_what_is_known(client, path, status, word):
    answer = client.get(path)
    assert (answer.status_code, word in answer.json()["error"]["message"]) == (status, True), answer.text


def test_values_are_bound_not_pasted(client, store):
    evil = "x'); DROP TABLE requests; --"
    assert client.get("/api/v1/panels/overview/spend_api", params={"var-workload": evil}).status_code == 200
    assert store.read("SELECT count() FROM v_requests")[1] == [(39,)]


def test_verdicts_idle_sources(client):
    assert client.get("/api/v1/verdicts").json()["rows"][0]["workload"] == "bot"
    assert client.get("/api/v1/idle").json()["rows"][0]["pool"] == "lab"
    assert client.get("/api/v1/sources").json()["rows"][0]["source"] == "test"


def test_health_and_its_loss(client, service, monkeypatch):
    assert (client.get("/healthz").text, client.get("/readyz").text) == ("ok\n", "ready\n")

    def away(*_, **__):
        raise StoreUnavailable("gone")

    monkeypatch.setattr(type(service.store), "ask", away)
    assert client.get("/readyz").status_code == 503
    answer = client.get("/api/v1/cost")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_metrics_say_what_is_known_and_nothing_else(client):
    families = {f.name: f for f in text_string_to_metric_families(client.get("/metrics").text)}
    cost = {tuple(s.labels.values()): s.value for s in families["breakeven_cost_usd"].samples}
    assert cost["api", "24h"] == pytest.approx(24 * 0.00045)
    assert cost["self_hosted", "24h"] == pytest.approx(96)
    sides = {s.labels["side"] for s in families["breakeven_cost_per_successful_request_usd"].samples}
    assert sides == {"api"}, "no traffic on own GPUs: a cost and no unit cost"
    assert families["breakeven_pool_idle_usd_per_day"].samples == [], "nothing known about the GPUs: no idle finding"


def test_foreign_hosts_are_refused(client):
    assert client.get("/api/v1/cost", headers={"Host": "evil.example"}).status_code == 421
    page = client.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "demo data" not in page.text


def test_the_receiver_is_there(client):
    assert (
        client.post("/v1/metrics", content=b"", headers={"Content-Type": "application/x-protobuf"}).status_code == 200
    )
    assert (
        client.post(
            "/v1/metrics", content=b"x" * (21 << 20), headers={"Content-Type": "application/x-protobuf"}
        ).status_code
        == 413
    )


def test_jobs_run_and_are_written_down(service):
    jobs = Jobs(service)
    for name in ("cost", "verdict", "prices", "retention", "merge"):
        jobs.run(name, getattr(jobs, name))
    assert {n: r.outcome for n, r in jobs.last.items()} == dict.fromkeys(
        ("cost", "verdict", "prices", "retention", "merge"), "ok"
    )
    rows = dict(service.store._client.query("SELECT job, outcome FROM job_runs FINAL").result_rows)
    assert rows["verdict"] == "ok"

    def broken():
        raise StoreUnavailable("away")

    jobs.run("cost", broken)
    assert (jobs.last["cost"].outcome, jobs.last["cost"].note) == ("failed", "away")


def test_retention_drops_whole_old_months_only_when_asked(service, store):
    old = datetime.now(UTC) - timedelta(days=500)
    store.add([request(old, "old", workload="bot")])
    jobs = Jobs(service)
    assert jobs.retention() == ""
    assert store.read("SELECT count() FROM v_requests")[1] == [(40,)]
    kept = Jobs(Service(parse({"retention": {"requests_days": 400}}), store, service.prices))
    assert kept.retention() == f"requests {old:%Y%m}"
    assert store.read("SELECT count() FROM v_requests")[1] == [(39,)]


def test_months_are_merged_and_say_the_same(service, store):
    """What is computed lies in one part a month afterwards, facts that bills may still change are left alone."""
    old = datetime.now(UTC) - timedelta(days=100)
    for number in range(3):
        store.add([request(old, f"old {number}", workload="bot")])
        service.tick()
    parts = """SELECT partition_id, count() FROM system.parts WHERE database = currentDatabase() AND active AND table = {table:String}
               GROUP BY partition_id HAVING count() > 1"""
    now = datetime.now(UTC)

    def panels():
        span = {"start": old - timedelta(days=1), "end": now, "as_of": now}
        return [page.answer(store, "api", name, **span)["columns"] for name in ("spend", "by_model", "attempts")]

    before = panels()
    jobs = Jobs(service)
    assert jobs.merge().endswith(" months of tables")
    for table in ("usage_hourly", "cost_hourly", "usage_daily"):
        assert not store._client.query(parts, {"table": table}).result_rows
    where = {"table": "requests"}
    assert f"{old:%Y%m}" not in dict(store._client.query(parts, where).result_rows)
    assert jobs.merge() == ""
    assert panels() == before


def test_what_is_sent_to_the_doors_is_stored(client, store):
    """Traces as JSON and LiteLLM's calls over the real application; an unknown kind of body is refused."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
    }
    start = int((NOW - timedelta(hours=1)).timestamp()) * 10**9
    span = {"traceId": "ab" * 16, "spanId": "cd" * 8, "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 10**9),
            "attributes": [*({"key": k, "value": {"stringValue": v}} for k, v in attributes.items()),
                           {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "77"}}]}  # fmt: skip
    traces = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    assert client.post("/v1/traces", json=traces).json() == {}
    assert client.post("/v1/traces", content=b"x", headers={"content-type": "text/plain"}).status_code == 415
    assert client.post("/v1/logs", json={}).json() == {}
    call = {"id": "x", "litellm_call_id": "y", "status": "success", "model": "gpt-4o-mini", "custom_llm_provider": "openai",
            "prompt_tokens": 88, "completion_tokens": 1, "startTime": start / 1e9}  # fmt: skip
    assert client.put("/v1/litellm", json=call).json() == {"accepted": 1, "rejected": 0}
    assert store.read("SELECT total_input FROM v_requests WHERE total_input IN (77, 88) ORDER BY 1")[1] == [
        (77,),
        (88,),
    ]


def test_a_taken_address_is_said_before_any_work():
    import socket

    from ledger.errors import ConfigError

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(ConfigError, match="choose another with --listen"):
            web.address(taken)
    assert web.address(taken) == ("127.0.0.1", int(taken.rpartition(":")[2]))
