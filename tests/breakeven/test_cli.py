"""The command line as people and scripts meet it: help, JSON shapes, exit codes, messages; and the demo."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from made import command as run
from typer.testing import CliRunner

from breakeven import cli, demo
from breakeven.answers import moment, verdict_rows
from breakeven.service import Service
from ledger.errors import ConfigError

COST = {
    "requests",
    "successful_requests",
    "total_input",
    "output",
    "cost",
    "cost_per_request",
    "cost_per_mtok",
    "unpriced_tokens",
    "shares",
    "reported_cost",
    "approximate_cost",
    "usage_cost",
}
COMMANDS = [
    "demo",
    "run",
    "import",
    "cost",
    "verdict",
    "backtest",
    "whatif",
    "idle",
    "capacity",
    "prices",
    "reconcile",
    "sql",
    "sources",
    "check",
    "init",
    "migrate",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store with a small log in it."""
    folder = tmp_path_factory.mktemp("cli")
    log = folder / "log.jsonl"
    rows = [
        {"ts": f"2026-11-2{d}T10:00:0{i}Z", "request_id": f"{d}{i}", "provider": "openai", "model": "gpt-4o-mini" if i else "no-such-model",
         "workload": "bot", "input_fresh": 1000, "output": 100}
        for d in range(4) for i in range(3)
    ]  # fmt: skip
    log.write_text("\n".join(json.dumps(r) for r in rows) + '\n{"broken\n')
    done = run("import", str(log), "--json", store=folder / "store", code=1)
    assert json.loads(done.stdout) == {"accepted": 12, "duplicate": 0, "rejected": 1}
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(command):
    shown = CliRunner().invoke(cli.app, [command, "--help"])
    assert shown.exit_code == 0
    assert len(shown.stdout) > 200
    assert command in CliRunner().invoke(cli.app, ["--help"]).stdout


def test_importing_again_changes_nothing_and_says_what_is_wrong(folder):
    before = run("cost", "--json", store=folder / "store").stdout
    done = run("import", str(folder / "log.jsonl"), store=folder / "store", code=1)
    assert "accepted 0 / duplicate 12 / rejected 1" in done.stdout
    assert f"{folder}/log.jsonl:13: line: not JSON" in done.stderr
    assert run("cost", "--json", store=folder / "store").stdout == before


def test_a_model_without_a_price_is_named(folder, tmp_path):
    done = run("import", str(folder / "log.jsonl"), store=tmp_path / "fresh", code=1)
    assert "no price for openai/no-such-model" in done.stderr.replace("\n", " ")
    checked = run("prices", "check", "--json", store=tmp_path / "fresh", code=1)
    assert [row["model"] for row in json.loads(checked.stdout)["rows"]] == ["no-such-model"]


def test_cost_json_has_the_documented_shape(folder):
    found = json.loads(run("cost", "--by", "workload,model", "--json", store=folder / "store").stdout)
    assert set(found) == {"prices", "basis", "rows", "total", "count", "next"}
    assert set(found["total"]) == COST
    by = {row["model"]: row for row in found["rows"]}
    assert set(by["gpt-4o-mini"]) == COST | {"workload", "model"}
    assert by["gpt-4o-mini"]["cost"] == "0.00168"  # 8 · (1,000 · 0.15 + 100 · 0.60) / 10⁶
    assert by["gpt-4o-mini"]["cost_per_request"] == "0.00021"
    assert (by["no-such-model"]["cost"], by["no-such-model"]["unpriced_tokens"]) == (None, 4400)
    assert found["total"]["cost"] == "0.00168"
    assert json.loads(run("--json", "cost", "--by", "workload,model", store=folder / "store").stdout) == found


def test_days_of_a_zone_are_shown_as_its_people_write_them(folder):
    text = run("cost", "--bucket", "day", "--timezone", "Asia/Kolkata", store=folder / "store").stdout
    assert "2026-11-23" in text
    assert "18:30" not in text


def test_cost_ranges_are_half_open_and_a_last_day_counts(folder):
    """T3: --until DATE holds that day; adjacent ranges share nothing."""

    def requests(*arguments):
        return json.loads(run("cost", "--json", *arguments, store=folder / "store").stdout)["total"]["requests"]

    assert requests("--until", "2026-11-21") == 6
    assert requests("--since", "2026-11-22") == 6
    assert requests("--since", "2026-11-21", "--until", "2026-11-21") == 3
    days = json.loads(run("cost", "--bucket", "day", "--json", store=folder / "store").stdout)["rows"]
    assert [row["bucket"] for row in days] == [f"2026-11-2{d}T00:00:00Z" for d in range(4)]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["cost", "--by", "colour"], 2, "not one of side, provider"),
        (["cost", "--since", "soon"], 2, "is not a time"),
        (["import", "/nowhere.jsonl"], 2, "no such file"),
        (["import", "x", "--timezone", "Mars/Base"], 2, "no such zone"),
        (["import", "x", "--map", "at"], 2, "write NAME=COLUMN"),
        (["sql", "DROP TABLE requests"], 2, "only SELECT"),
        (["sql", "SELECT nothing FROM v_requests"], 2, "nothing"),
        (["--config", "/nowhere.toml", "cost"], 2, "breakeven init"),
        (["--store", "clickhouse://127.0.0.1:1/x", "cost"], 3, "does not answer"),
        (["cost", "--colour"], 2, "No such option"),
        (["run", "--listen", "0.0.0.0:8400"], 2, "others could reach it"),
    ],
)
def test_errors_say_what_to_do(folder, arguments, code, message):
    before = [] if "--store" in arguments else ["--store", str(folder / "store")]
    done = run(*before, *arguments, code=code)
    assert message in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_questions_of_an_empty_store_say_what_to_set_up(tmp_path):
    for command, hint in (
        ("cost", "breakeven import"),
        ("verdict", "breakeven init"),
        ("idle", "[pools.NAME]"),
        ("sources", "breakeven import"),
    ):
        assert hint in run(command, store=tmp_path).stdout.replace("\n", " ")
    assert json.loads(run("verdict", "--json", store=tmp_path).stdout) == {"rows": []}


def test_sql_and_sources(folder):
    found = json.loads(
        run(
            "sql", "SELECT workload, count() AS n FROM v_requests GROUP BY workload", "--json", store=folder / "store"
        ).stdout
    )
    assert found == {"columns": ["workload", "n"], "rows": [["bot", 12]], "count": 1}
    (row,) = json.loads(run("sources", "--json", store=folder / "store").stdout)["rows"]
    assert (row["source"], row["rows"], row["rejected"], row["last"]) == ("requests_log", 12, 1, "2026-11-23T10:00:02Z")


def test_sql_shows_wide_rows_and_says_plainly_what_is_refused(folder):
    wide = run("sql", "SELECT * FROM v_requests LIMIT 1", store=folder / "store").stdout
    assert "  model: " in wide
    assert wide.endswith("1 row\n")
    for statement, why in (
        ("SELECT file('/etc/passwd')", "file is not allowed"),
        ("SELECT nope FROM v_requests", "`nope`"),
    ):
        done = run("sql", statement, store=folder / "store", code=2)
        assert ("DB::Exception" in done.stderr, why in done.stderr) == (False, True), done.stderr


def test_init_writes_what_check_accepts(tmp_path):
    path = tmp_path / "breakeven.toml"
    run("init", str(path))
    assert "there already" in run("init", str(path), code=2).stderr
    found = json.loads(run("--config", str(path), "check", "--json", store=tmp_path / "s", code=1).stdout)
    assert found["config"] == str(path)
    assert any("[workloads.NAME]" in finding for finding in found["findings"])
    assert run("check", store=tmp_path / "s", code=1, BREAKEVEN_CONFIG=str(path)).stdout.startswith(f"config: {path}")


def test_passwords_are_not_shown():
    assert cli._without_password("clickhouse://user:secret@host/db") == "clickhouse://…@host/db"


def test_moments():
    assert moment("2026-11-22") == datetime(2026, 11, 22, tzinfo=UTC)
    assert moment("2026-11-22", end=True) == datetime(2026, 11, 23, tzinfo=UTC)
    assert moment("2026-11-22T10:00+05:30") == datetime(2026, 11, 22, 4, 30, tzinfo=UTC)
    with pytest.raises(ConfigError, match="no time zone"):
        moment("2026-11-22T10:00")


@pytest.fixture(scope="session")
def shown(demo_service):
    service, planted, as_of = demo_service
    verdicts = {row["workload"]: row for row in verdict_rows(service)}
    return (
        service,
        planted,
        demo.summary(service.store, planted, as_of, service.reconcile(as_of - timedelta(days=demo.DAYS), as_of)),
        verdicts,
    )


def test_the_demo_catches_what_it_planted(shown):
    service, planted, found, _ = shown
    assert planted.delivered_twice > 100
    assert planted.duplicates_caught == planted.delivered_twice
    assert service.store.read("SELECT count() FROM v_requests")[1] == [(planted.requests,)]
    assert 2 * 3600 <= found["gap_unknown_gpu_seconds"] <= 4 * 3600
    assert planted.unpriced_requests > 0
    unpriced = service.store.read("SELECT sum(unpriced_tokens) FROM v_requests WHERE model = 'gpt-demo-preview'")[1]
    assert unpriced == [(found["unpriced_tokens"],)]
    assert found["abandoned"] == ["GPU-demo-3"]
    assert abs(found["missing_usage"] - planted.aborted_usd) < Decimal("0.01")
    assert found["missing_usage"] > 50


def test_the_demo_has_one_verdict_of_each_kind(shown):
    *_, verdicts = shown
    assert {name: v["verdict"] for name, v in verdicts.items()} == {
        "support-bot": "hybrid", "contract-review": "api", "search-summaries": "insufficient_capacity",
    }  # fmt: skip
    assert verdicts["support-bot"]["saving_usd_month"] > verdicts["support-bot"]["api_usd_month"] / 5


def test_the_demo_reconciles(shown):
    """Every pool-hour is four GPUs at 0.80 to the micro-dollar; the API side is the sum of its attempts."""
    service, *_ = shown
    hours = service.store.read(
        "SELECT DISTINCT sum(usd) FROM v_cost_hourly WHERE side = 'self_hosted' AND component != 'overhead' GROUP BY hour"
    )[1]
    assert [float(h) for (h,) in hours] == [3.2]
    api = service.store.read("SELECT sum(usd) FROM v_cost_hourly WHERE side = 'api'")[1]
    assert api == service.store.read("SELECT sum(cost) FROM v_requests WHERE side = 'api'")[1]


def test_the_demo_tells_the_same_on_another_day(tmp_path):
    as_of = datetime(2026, 8, 16, 12, 30, tzinfo=UTC)
    settings = demo.config(as_of)
    with Service.open(settings, str(tmp_path)) as service:
        demo.fill(service.store, service.prices, settings, as_of)
        from ledger.costing.tick import tick
        from ledger.verdict.evaluate import evaluate

        tick(service.store, settings.declared(), as_of)
        found = {v.workload: v.verdict for v in evaluate(service.store, service.prices, settings.declared(), as_of)}
    assert found == {"support-bot": "hybrid", "contract-review": "api", "search-summaries": "insufficient_capacity"}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_five_days_are_their_range_in_command_and_api_alike(shown, zone):
    """Five local days of the demo asked singly and as one range, from the command line and over HTTP."""
    from starlette.testclient import TestClient

    from breakeven import web

    service, *_ = shown
    client = TestClient(web.application(service, jobs=False))
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=n) for n in range(8, 3, -1)]

    def ask(since, until):
        asked = {"since": str(since), "until": str(until), "timezone": zone}
        told = json.loads(
            run("cost", *(f"--{k}={v}" for k, v in asked.items()), "--json", store=service.store.url).stdout
        )
        assert told == client.get("/api/v1/cost", params=asked).json()
        return told["total"]

    whole, singly = ask(days[0], days[-1]), [ask(day, day) for day in days]
    for figure in ("requests", "successful_requests", "total_input", "output"):
        assert sum(day[figure] for day in singly) == whole[figure] > 0
    assert sum(Decimal(day["cost"]) for day in singly) == Decimal(whole["cost"])


# ---- sources that are asked, and their bills --------------------------------------------------------------------


@pytest.fixture(scope="module")
def billed(tmp_path_factory):
    """A store with a log of three days, and a provider that bills 10 % more than it; the configuration that asks it."""
    from provider import Provider, paged, serving

    folder = tmp_path_factory.mktemp("billed")
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=n) for n in (3, 2, 1)]
    rows = [
        {"ts": f"{day:%Y-%m-%d}T10:00:00Z", "request_id": f"{n}", "provider": "openai", "model": "gpt-4o-mini", "workload": "bot",
         "input_fresh": 10_000_000, "output": 1_000_000}
        for n, day in enumerate(days)
    ]  # fmt: skip
    (folder / "log.jsonl").write_text("\n".join(json.dumps(r) for r in rows))

    def inside(query, make):
        start, end = (datetime.fromtimestamp(int(query[n][0]), UTC) for n in ("start_time", "end_time"))
        return paged([make(day) for day in days if start <= day < end], query)

    def bucket(day, hours, results):
        start = int(day.timestamp()) + 36_000 * (hours == 1)
        return {"start_time": start, "end_time": start + 3600 * hours, "results": results}

    provider = Provider({
        "/organization/usage/completions": lambda q: inside(q, lambda day: bucket(day, 1, [
            {"model": "gpt-4o-mini", "input_tokens": 10_000_000, "output_tokens": 1_350_000}])),
        "/organization/usage/embeddings": lambda q: paged([], q),
        "/organization/costs": lambda q: inside(q, lambda day: bucket(day, 24, [
            {"line_item": "gpt-4o-mini, input_tokens", "amount": {"value": "1.5", "currency": "usd"}},
            {"line_item": "gpt-4o-mini, output_tokens", "amount": {"value": "0.81", "currency": "usd"}}])),
    })  # fmt: skip
    with serving(provider) as url:
        settings = folder / "breakeven.toml"
        (folder / "key").write_text("sk-admin-secret\n")
        settings.write_text(f'[sources.acme]\nkind = "openai"\nkey_file = "{folder / "key"}"\nbase_url = "{url}"\n')
        run("import", str(folder / "log.jsonl"), store=folder / "store")
        yield folder, settings, provider


def test_a_bill_is_pulled_and_held_against_what_was_metered(billed):
    """Three days of 2.10 metered and 2.31 billed: 0.21 a day is output that the provider tells and the log lacks."""
    folder, settings, provider = billed
    before = run("--config", str(settings), "sources", "--json", store=folder / "store")
    assert {row["last_success"] for row in json.loads(before.stdout)["asked"]} == {None}
    done = json.loads(run("--config", str(settings), "sources", "pull", "--json", store=folder / "store").stdout)
    assert [(row["stream"], row["rows"], row["error"]) for row in done["asked"]] == [
        ("usage", 3, ""),
        ("costs", 3 * 2, ""),
    ]
    assert {headers["Authorization"] for _, _, headers in provider.asked} == {"Bearer sk-admin-secret"}
    answer = run(
        "--config", str(settings), "reconcile", "--scaled", "workload", "--json", store=folder / "store", code=1
    )
    found = json.loads(answer.stdout)
    (row,) = found["rows"]
    assert (row["metered"], row["billed"], row["missing_usage"], row["residual"]) == ("6.3", "6.93", "0.63", "0.63")
    assert (row["accounts"], row["discount_factor"], row["alert"]) == (["acme"], None, True)
    assert [(part["group"], part["scaled"]) for part in found["scaled"]] == [("bot", "6.93")]
    days = json.loads(
        run("--config", str(settings), "reconcile", "--by", "day", "--json", store=folder / "store", code=1).stdout
    )
    assert [day["residual"] for day in days["rows"]] == ["0.21"] * 3
    text = run("--config", str(settings), "reconcile", store=folder / "store", code=1).stdout
    assert "missing usage" in text
    assert "$0.6300" in text


def test_the_metrics_tell_how_a_source_is_doing(billed):
    from breakeven import config, metrics
    from breakeven.answers import asked_rows
    from breakeven.service import Service

    folder, settings, _ = billed
    with Service.open(config.load(str(settings), {}), str(folder / "store")) as service:
        text = metrics.text(service.store, {}, datetime.now(UTC), asked_rows(service)).decode()
    assert 'breakeven_source_failed{source="acme",stream="costs"} 0.0' in text
    assert 'breakeven_source_last_success_timestamp_seconds{source="acme",stream="usage"}' in text


def test_a_backfill_resumes_and_an_unknown_source_is_named(billed):
    folder, settings, _ = billed
    done = run(
        "--config", str(settings), "sources", "backfill", "acme", "--since", "60d", "--json", store=folder / "store"
    )
    assert {row["error"] for row in json.loads(done.stdout)["asked"]} == {""}
    wrong = run("--config", str(settings), "sources", "pull", "nope", store=folder / "store", code=2)
    assert "nope: not one of acme" in wrong.stderr


def test_a_key_shows_nowhere(billed):
    folder, settings, _ = billed
    said = [run("--config", str(settings), *words, store=folder / "store", code=code)
            for words, code in ((("sources",), 0), (("check",), 1), (("reconcile",), 1))]  # fmt: skip
    assert all("secret" not in one.stdout + one.stderr for one in said)
    assert "secret" not in repr(config_of(settings))


def config_of(path):
    from breakeven import config

    return config.load(str(path), {})


def test_without_a_bill_it_says_what_to_set_up(tmp_path):
    assert "[sources.NAME]" in run("reconcile", store=tmp_path / "store").stdout


def test_a_command_without_the_configuration_undeclares_nothing(tmp_path):
    """A pool at 1 USD an hour and an own price; asked without the file, the same figures and a word about it."""
    settings = tmp_path / "breakeven.toml"
    settings.write_text("""
[pools.lab]
gpus = 1
usd_per_gpu_hour = 1
since = 2026-11-01T00:00:00Z
[[prices.override]]
provider = "openai"
model = "mine"
input = 1
output = 1
""")
    log = tmp_path / "log.jsonl"
    row = {
        "ts": "2026-11-02T10:00:00Z",
        "request_id": "a",
        "provider": "openai",
        "model": "mine",
        "input_fresh": 1_000_000,
        "output": 0,
    }
    log.write_text(json.dumps(row))
    asked = ("cost", "--by", "side", "--until", "2026-11-10", "--json")
    run("--config", str(settings), "import", str(log), store=tmp_path / "s")
    known = run("--config", str(settings), *asked, store=tmp_path / "s").stdout
    assert {r["side"]: r["cost"] for r in json.loads(known)["rows"]} == {"self_hosted": "240", "api": "1"}
    log.write_text(json.dumps({**row, "request_id": "b"}))
    without = run("import", str(log), store=tmp_path / "s")
    assert "No configuration here" in without.stderr
    found = json.loads(run(*asked, store=tmp_path / "s").stdout)
    assert {r["side"]: r["cost"] for r in found["rows"]} == {"self_hosted": "240", "api": "2"}
    again = json.loads(run("--config", str(settings), *asked, store=tmp_path / "s").stdout)
    assert again == found


def test_prices_out_of_order_are_named(tmp_path):
    """A read dearer than input, a long write cheaper than a short one, a batch dearer than standard; a plain one is not."""
    settings = tmp_path / "breakeven.toml"
    price = '[[prices.override]]\nprovider = "openai"\nmodel = "{}"\ninput = 1\noutput = 4\n{}\n'
    settings.write_text(price.format("plain", "cache_read = 0.1") + price.format("odd", "cache_read = 10\ncache_write = 2\ncache_write_long = 1.5")
                        + price.format("batched", "") + price.format("batched", 'variant = "batch"').replace("input = 1", "input = 2"))  # fmt: skip
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:00:00Z")
    rows = [{"ts": now, "request_id": f"{n}", "provider": "openai", "model": model, "input_fresh": 5, "output": 5, "processing": kind}
            for n, (model, kind) in enumerate((("plain", "online"), ("odd", "online"), ("batched", "online"), ("batched", "batch")))]  # fmt: skip
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(json.dumps(r) for r in rows))
    run("--config", str(settings), "import", str(log), store=tmp_path / "s")
    found = json.loads(run("--config", str(settings), "prices", "check", "--json", store=tmp_path / "s", code=1).stdout)
    assert found["rows"] == []
    assert [(f["model"], f["variant"], f["finding"]) for f in found["findings"]] == [
        ("batched", "batch", "batch is dearer than standard"), ("odd", "standard", "a long life in the cache is cheaper than a short one"),
        ("odd", "standard", "reading from the cache is dearer than input"),
    ]  # fmt: skip
