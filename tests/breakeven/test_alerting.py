"""Alerts through the ledger: each planted event is told once with its dollars, whatever is restarted, muted or dead."""

import json
import math
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from made import command, request
from receivers import http

from alerts import notify, watch, watched
from alerts.channels import Channel
from alerts.rule import holes, rules
from alerts.states import Sample
from breakeven.alerting import Alerting
from breakeven.config import parse
from breakeven.digest import digest, due, week_before
from breakeven.service import Service
from dashboards import panel
from ledger.costing.expected import unusual
from ledger.errors import ConfigError, StoreUnavailable
from ledger.prices.register import PriceRegister
from ledger.records import GpuHour, GpuSample, JobRun, signal

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
DOCS = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text("utf-8")


def service(store, **table):
    given = {
        "prices": {
            "override": [
                {"provider": "openai", "model": "m", "input": 1, "output": 1, "until": NOW - 6 * HOUR},
                {"provider": "openai", "model": "m", "input": 2, "output": 1, "since": NOW - 6 * HOUR},
            ]
        },
        "channels": {"log": {"kind": "log", "path": "/dev/null"}},
        **table,
    }
    settings = parse(given)
    prices = PriceRegister(store, settings.prices.override)
    prices.resolve([("openai", "m", "standard", "")], NOW)
    return Service(settings, store, prices, at=NOW)


def told(store, rule=""):
    rows = store.read("SELECT rule, status, alerts FROM notifications FINAL ORDER BY created_at, rule, status")[1]
    return [
        (name, status, [a["annotations"]["summary"] for a in json.loads(said)["alerts"]])
        for name, status, said in rows if rule in ("", name)
    ]  # fmt: skip


def looks(made, group, start, end, step):
    at = start
    while at <= end:
        Alerting(made).look(group, at)  # anew each time: a restart between any two looks
        at += step


@pytest.mark.parametrize("name", rules())
def test_every_rule_reads_its_signal(store, name):
    """Its statement gives its labels, value and figures; its text has no hole left; panel and runbook are there."""
    rule = rules()[name]
    alerting = Alerting(service(store))
    assert watch.watch(store, [rule], NOW)[0].kept == {} or rule.condition.no_data == "alert"
    labels = {label: f"the {label}" for label in rule.labels}
    figures = dict.fromkeys(rule.figures, 1.5)
    high = rule.condition.threshold + 1 if rule.condition.op == ">" else rule.condition.threshold - 1
    at = NOW - rule.lag
    store.add([signal(name, at - MINUTE, high + 5, labels, **figures), signal(name, at, high, labels, **figures)])
    (found,) = watch.watch(store, [rule], NOW)
    (one,) = found.kept.values()
    assert (dict(one.instance.labels), one.instance.value) == (labels, high)
    assert dict(one.instance.figures) == figures
    assert one.instance.state == ("pending" if rule.condition.pending else "firing")
    assert "{" not in one.summary
    assert "unknown" not in one.summary
    assert {n for n, _ in holes(rule.summary)} <= {*rule.labels, *rule.figures, "value"}
    board, _, key = rule.panel.partition("/")
    assert key in panel.dashboard(board).panels
    assert f"\n## {rule.runbook}\n" in DOCS
    assert rule.uid.startswith("be-")
    assert name in alerting.rules


def test_planted_spend_is_told_once_each(store):
    """Sixty days at 24 USD, the day before yesterday three times that, a price that doubled this morning, budgets."""
    made = service(store, budgets={"daily": {"usd": 40, "per": "day"}, "team": {"usd": 10_000, "workload": "bot"}})
    rows = []
    for day in range(60):
        midnight = NOW.replace(hour=0) - (60 - day) * DAY
        often = 3 if day == 58 else 1
        rows += [
            request(midnight + h * HOUR + k * MINUTE, f"{day}-{h}-{k}", model="m", workload="bot", input_fresh=1_000_000)
            for h in range(24) for k in range(often)
        ]  # fmt: skip
    for month in sorted({(r.at.year, r.at.month) for r in rows}):
        store.add([r for r in rows if (r.at.year, r.at.month) == month])
    made.tick()
    begin = NOW.replace(hour=0) - 2 * DAY
    looks(made, "spend", begin + 2 * HOUR, begin + 52 * HOUR, 2 * HOUR)
    found = told(store)
    assert [f for f in found if f[0] == "spend_anomaly" and f[1] == "firing"] == [
        ("spend_anomaly", "firing", ["all API spend: $72.00 on the last complete day, $24.00 were to be expected",
                                     "bot: $72.00 on the last complete day, $24.00 were to be expected"])
    ]  # fmt: skip
    assert len(told(store, "spend_anomaly")) == 2  # and resolved once, by the normal day after it
    exceeded = [f for f in found if f[:2] == ("budget_exceeded", "firing")]
    assert exceeded == [
        ("budget_exceeded", "firing", ["daily: $42.00 of $40.00 spent; forecast for the window $72.00"])
    ]
    levels = [f[2][0].split(" reached")[0] for f in found if f[:2] == ("budget_spent", "firing")]
    assert levels == ["daily: 50%", "daily: 75%", "daily: 90%", "daily: 50%"]
    (spike,) = [f for f in found if f[:2] == ("spend_spike", "firing")]
    assert spike[2][0].startswith("all API spend: $36.00 so far today, $12.00 were to be expected")
    looks(made, "verdict", NOW - HOUR, NOW + 30 * HOUR, 6 * HOUR)
    (price,) = told(store, "price_change")[:1]
    # 12 hours and 27 days of 24 requests, 48 more on the planted day: 708 M tokens, a dollar more each, 30 days of 28
    assert price[2] == ["openai m: its price changed, about $758.57 a month at the volume of the last 28 days"]
    assert [f[1] for f in told(store, "price_change")] == ["firing", "resolved"]


def hour(at, gpu, state, usd="2.0", seconds=3600.0, deployment="own"):
    return GpuHour(at, "lab", deployment, "n1", gpu, "", state, seconds, 0.0, Decimal(usd), None)


def test_idle_gpus_are_told_once_through_a_gap(store):
    """Empty for a day with an hour without telemetry in it, loaded and unasked, loading for ten hours, a spare, a gap."""
    made = service(store, pools={"lab": {"gpus": 4, "usd_per_gpu_hour": 2}})
    start = NOW - 40 * HOUR
    rows = []
    for n in range(40):
        at = start + n * HOUR
        rows.append(hour(at, "empty", "unknown" if n == 30 else "unallocated" if n >= 20 else "serving"))
        rows.append(hour(at, "unasked", "unknown" if n == 30 else "warm_idle"))
        rows.append(hour(at, "loading", "warm_idle" if n >= 30 else "serving"))
        rows.append(hour(at, "other", "busy_other"))
    store.add(rows)
    looks(made, "gpu", start + 21 * HOUR + 10 * MINUTE, NOW + 10 * MINUTE, HOUR)
    found = told(store, "idle_gpu")
    assert [(status, said) for _, status, said in found] == [
        ("firing", ["empty on n1: unallocated for 60 min, $48.00 a day"]),
        ("firing", ["unasked on n1: abandoned for 24.0 h, $48.00 a day"]),
    ]
    spare = service(store, pools={"lab": {"gpus": 4, "usd_per_gpu_hour": 2, "spare": True}})
    store.command("TRUNCATE TABLE notifications")
    store.command("TRUNCATE TABLE alerts")
    store.command("TRUNCATE TABLE signals")
    looks(spare, "gpu", NOW - 2 * HOUR, NOW, HOUR)
    assert told(store, "idle_gpu") == []


def test_a_host_that_falls_silent(store):
    made = service(store)
    store.add([GpuSample(NOW - n * MINUTE, "n1", "GPU-1", "", "lab", 60.0, 50.0, None, 1000, 100.0) for n in range(30)])
    looks(made, "gpu", NOW + MINUTE, NOW + 20 * MINUTE, MINUTE)
    assert told(store, "node_missing") == [("node_missing", "firing", ["n1: no reading for 11 minutes"])]
    store.add([GpuSample(NOW + 21 * MINUTE, "n1", "GPU-1", "", "lab", 60.0, 50.0, None, 1000, 100.0)])
    looks(made, "gpu", NOW + 22 * MINUTE, NOW + 23 * MINUTE, MINUTE)
    assert [status for _, status, _ in told(store, "node_missing")] == ["firing", "resolved"]


def test_a_source_that_falls_silent(store):
    """A receiver that brought something every hour, as it happened; a log imported days later is nobody's silence."""
    made = service(store)
    store.command(
        "INSERT INTO requests (at, event_id, side, source, provider, model, ver) SELECT toDateTime64(1795608000 - 3600 * number, 3, 'UTC') AS at, number, "
        "'api', 'otlp', 'openai', 'm', toUInt64(toUnixTimestamp64Milli(at)) * 1000000 + 1000 FROM numbers(30)"
    )
    store.add([request(NOW - n * HOUR, f"late{n}", model="m") for n in range(30)])
    looks(made, "data", NOW + HOUR, NOW + 5 * HOUR, 30 * MINUTE)
    (found,) = told(store, "source_stale")
    assert found[2] == ["otlp: nothing newer than 4.0 h, 4 times its usual period"]


def test_failing_jobs_and_quiet_rules(store):
    made = service(store)
    for n, outcome in enumerate(("ok", "failed", "failed", "failed")):
        store.add([JobRun("cost", NOW + n * MINUTE, NOW + n * MINUTE, outcome, "")])
    looks(made, "data", NOW + 4 * MINUTE, NOW + 6 * MINUTE, MINUTE)
    assert told(store) == [("job_failing", "firing", ["cost: failed 3 times in a row"])]
    store.add([JobRun("cost", NOW + 7 * MINUTE, NOW + 7 * MINUTE, "ok", "")])
    looks(made, "data", NOW + 8 * MINUTE, NOW + 9 * MINUTE, MINUTE)
    assert [s for _, s, _ in told(store)] == ["firing", "resolved"]


@pytest.fixture
def told_by_hand(monkeypatch):
    """Values come from the test, not from the ledger."""
    monkeypatch.setattr(watched, "values", lambda *_: [])


def fire(store, at, value=1.0):
    labels = {"provider": "openai", "account": "a", "month": "2026-10"}
    store.add([signal("invoice_gap", at, value, labels, billed=100.0, metered=90.0)])


def test_a_kill_between_telling_and_remembering_tells_once(store, monkeypatch, told_by_hand):
    """The outbox is written, then the process dies before the state is: the look again has the same key."""
    made = service(store)
    fire(store, NOW)
    with monkeypatch.context() as patch:
        patch.setattr(watch, "rows", lambda *_: (_ for _ in ()).throw(StoreUnavailable("killed")))
        with pytest.raises(StoreUnavailable):
            Alerting(made).look("spend", NOW)
    assert len(told(store)) == 1
    Alerting(made).look("spend", NOW)
    Alerting(made).look("spend", NOW + 5 * MINUTE)
    assert len(told(store)) == 1


def test_a_dead_channel_is_tried_for_an_hour_and_keeps_nothing_from_the_others(store, monkeypatch):
    with http(500) as dead, http(200) as alive:
        channels = {
            "dead": {"kind": "webhook", "url": dead.url},
            "alive": {"kind": "webhook", "url": alive.url},
            "grave": {"kind": "webhook", "url": alive.url + "/grave", "severities": ["critical"]},
        }
        made = service(store, channels=channels)
        begun = datetime.now(UTC)
        fire(store, begun.replace(microsecond=0))
        alerting = Alerting(made)
        with monkeypatch.context() as patch:
            patch.setattr(watched, "values", lambda *_: [])
            alerting.look("spend", begun)
        assert sorted((n.channel, n.state, n.attempts) for n in alerting.deliver(begun)) == [
            ("alive", "sent", 1),
            ("dead", "waiting", 1),
        ]
        assert alerting.deliver(begun) == []  # not before its time
        (again,) = Alerting(made).deliver(begun + 10 * MINUTE)
        assert (again.attempts, again.state, again.answer) == (2, "waiting", "500: ")
        assert len(alive.came) == 1
        late = begun - 2 * HOUR
        store.add([notify.replace(again, created_at=late, next_at=late)])
        (last,) = Alerting(made).deliver(begun)
        assert last.state == "given_up"
        after = datetime.now(UTC) + MINUTE
        alerting.look("data", after)
        rows = store.read("SELECT channel FROM notifications FINAL WHERE rule = 'notify_failing' ORDER BY channel")[1]
        assert rows == [("alive",), ("dead",), ("grave",)]


def test_muted_acknowledged_repeated_and_changed(store, told_by_hand):
    made = service(store)
    alerting = Alerting(made)
    alerting.mute("invoice_gap", NOW + HOUR, "known", NOW - MINUTE)
    for n in range(4):
        fire(store, NOW + n * 30 * MINUTE, 0.2)
        Alerting(made).look("spend", NOW + n * 30 * MINUTE)
        assert len(told(store)) == (n >= 2), n  # it still fires when the mute ends
    labels = {"budget": "b"}
    store.add([signal("budget_exceeded", NOW, 1.0, labels, spent=2.0, limit=1.0, forecast=3.0)])
    for n in (0, 1, 24, 30, 49):
        store.add([signal("budget_exceeded", NOW + n * HOUR, 1.0, labels, spent=2.0, limit=1.0, forecast=3.0)])
        Alerting(made).look("spend", NOW + n * HOUR)
    assert len(told(store, "budget_exceeded")) == 3  # critical: again after a day, and after another
    assert Alerting(made).acknowledge("budget_exceeded", "kim") == 1
    store.add([signal("budget_exceeded", NOW + 80 * HOUR, 1.0, labels, spent=2.0, limit=1.0, forecast=3.0)])
    Alerting(made).look("spend", NOW + 80 * HOUR)
    assert len(told(store, "budget_exceeded")) == 3
    moved = {"workload": "w", "from_side": "api", "to_side": "hybrid"}
    numbers = {"saving": 1.0, "low": 1.0, "high": 1.0, "payback_days": 1.0}
    for n, value in enumerate((1000.0, 1100.0, 1300.0, 1310.0, 0.0)):
        store.add([signal("switch_pays", NOW + n * HOUR, value, moved, **numbers)])
        Alerting(made).look("verdict", NOW + n * HOUR)
    assert [s for _, s, _ in told(store, "switch_pays")] == ["firing", "firing", "resolved"]  # told again at + 25 %
    with pytest.raises(ConfigError, match="not a rule"):
        alerting.mute("nonsense", NOW, "", NOW)


def test_alerts_that_begin_together_are_one_message(store, told_by_hand):
    made = service(store)
    for n in range(3):
        store.add([signal("unpriced_usage", NOW, 5.0, {"provider": "openai", "model": f"m{n}"}, tokens=5.0)])
    Alerting(made).look("data", NOW)
    store.add([signal("unpriced_usage", NOW + MINUTE, 5.0, {"provider": "openai", "model": "late"}, tokens=5.0)])
    looks(made, "data", NOW + MINUTE, NOW + 6 * MINUTE, MINUTE)
    firing = [len(said) for _, status, said in told(store, "unpriced_usage") if status == "firing"]
    assert firing == [3, 1]


def test_another_engine_tells_nothing_and_remembers_states(store, told_by_hand):
    made = service(store, alerts={"engine": "grafana"})
    fire(store, NOW)
    Alerting(made).look("spend", NOW)
    assert told(store) == []
    assert [row["rule"] for row in Alerting(made).states()] == ["invoice_gap"]


def test_another_definition_begins_anew(store, told_by_hand):
    fire(store, NOW, 0.2)
    Alerting(service(store)).look("spend", NOW)
    stricter = service(store, alerts={"rules": {"invoice_gap": {"threshold": 0.5, "recovery": 0.4}}})
    Alerting(stricter).look("spend", NOW + 5 * MINUTE)
    assert [s for _, s, _ in told(store)] == ["firing", "resolved"]
    off = service(store, alerts={"rules": {"invoice_gap": {"off": True}}})
    assert "invoice_gap" not in Alerting(off).rules


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"alerts": {"engine": "both"}}, "alerts.engine: 'both' is not one of builtin, grafana, off"),
        ({"alerts": {"rules": {"moon": {}}}}, "alerts.rules.moon: not a rule"),
        ({"alerts": {"rules": {"invoice_gap": {"threshold": 0.01}}}}, "recovery 0.03 is beyond threshold 0.01"),
        ({"budgets": {"b": {"usd": 0}}}, "budgets.b.usd: 0 is not above 0"),
        ({"budgets": {"b": {"usd": 1, "per": "year"}}}, "budgets.b.per: 'year' is not one of day, week, month"),
        ({"budgets": {"b": {"usd": 1, "timezone": "Mars"}}}, "budgets.b.timezone: 'Mars' is not one of"),
        ({"budgets": {"b": {"usd": 1, "thresholds": [1.5]}}}, "budgets.b.thresholds: 1.5 is not below 1"),
        (
            {"alerts": {"quiet": {"n": {"weekdays": ["sunday"]}}}},
            r"alerts.quiet.n.weekdays\[0\]: 'sunday' is not one of mon",
        ),
        ({"alerts": {"quiet": {"n": {"start": "7"}}}}, "alerts.quiet.n.start: "),
        ({"alerts": {"quiet": {"n": {"rules": ["moon"]}}}}, "alerts.quiet.n.rules: 'moon' is not a rule"),
        ({"channels": {"c": {"kind": "pigeon"}}}, "channels.c.kind: 'pigeon' is not one of webhook"),
        ({"channels": {"c": {"kind": "slack"}}}, "channels.c: slack needs secret or url"),
        ({"channels": {"c": {"kind": "email", "url": "smtp://x"}}}, "channels.c.to: missing"),
        ({"channels": {"c": {"kind": "log", "rules": ["moon"]}}}, "channels.c.rules: 'moon' is not a rule"),
    ],
)
def test_what_contradicts_itself_is_said(table, message):
    with pytest.raises(ConfigError, match=message):
        parse(table)


def test_an_unknown_figure_is_a_word_and_no_number(store, told_by_hand):
    """A budget spent in the first hour of its window has no forecast yet; JSON has no word for that."""
    made = service(store)
    store.add([signal("budget_exceeded", NOW, 1.0, {"budget": "b"}, spent=2.0, limit=1.0, forecast=math.nan)])
    Alerting(made).look("spend", NOW)
    assert told(store) == [("budget_exceeded", "firing", ["b: $2.00 of $1.00 spent; forecast for the window unknown"])]
    (said,) = [json.loads(row[0]) for row in store.read("SELECT alerts FROM notifications FINAL")[1]]
    assert said["alerts"][0]["values"] == {"value": 1.0, "spent": 2.0, "limit": 1.0}
    assert [n.state for n in Alerting(made).deliver(NOW)] == ["sent"]


def test_quiet_spend_is_not_told(store):
    """Twenty workloads for a year with noise of 5 to 30 % and a weekly shape: at most three flags a workload-year."""
    generator, flags, days = random.Random(7), 0, 0
    for workload in range(20):
        noise = 0.05 + 0.25 * workload / 19
        shape = [1.0, 1.05, 1.05, 1.0, 0.95, 0.55, 0.45]
        series = [200 * shape[d % 7] * math.exp(generator.gauss(0, noise)) for d in range(57 + 365)]
        for day in range(56, len(series) - 1):
            found = unusual(series[max(0, day - 56) : day], series[day])
            flags += bool(found and found.flag)
            days += 1
    assert flags / (days / 365) <= 3


def test_channels_take_what_they_ask_for():
    channel = Channel("c", "log", severities=("critical",), rules=("node_missing",), resolved=False)
    assert channel.takes("node_missing", "critical", "firing")
    assert not channel.takes("node_missing", "critical", "resolved")
    assert not channel.takes("node_missing", "info", "firing")
    assert not channel.takes("idle_cost", "critical", "firing")


def test_the_commands(tmp_path, told_by_hand):
    """Nothing fires, one fires, acknowledged, muted, in history, and a test that a channel refuses."""
    with http(404) as kept:
        (tmp_path / "breakeven.toml").write_text(f'[channels.hook]\nkind = "webhook"\nurl = "{kept.url}"\n')

        def ask(*arguments, code=0):
            done = command(
                "alerts",
                *arguments,
                store=tmp_path / "store",
                code=code,
                BREAKEVEN_CONFIG=str(tmp_path / "breakeven.toml"),
            )
            return done.stdout if code == 0 else done.stdout + done.stderr

        assert "Nothing fires" in ask("list")
        assert "Nothing fired" in ask("history")
        assert "spend_anomaly" in ask("rules")
        from breakeven import config

        with Service.open(config.load(str(tmp_path / "breakeven.toml")), str(tmp_path / "store")) as made:
            now = datetime.now(UTC).replace(microsecond=0)
            fire(made.store, now)
            Alerting(made).look("spend", now)
        (row,) = json.loads(ask("list", "--json"))["rows"]
        assert (row["rule"], row["state"], row["labels"]["account"]) == ("invoice_gap", "firing", "a")
        assert "billed $100.00, metered $90.00" in ask("list")
        assert "1 alert of invoice_gap acknowledged" in ask("ack", "invoice_gap", "--by", "kim")
        assert "kim" in ask("list")
        assert "is muted until" in ask("mute", "invoice_gap", "--for", "2h")
        assert "write how long" in ask("mute", "invoice_gap", "--for", "2030-01-01", code=2)
        assert "still on" in ask("history")
        assert "hook: 404" in ask("test", code=1)
        assert "not a channel: hook" in ask("test", "--channel", "moon", code=2)
        assert json.loads(ask("simulate", "--since", "2d", "--json"))["rows"] == []


def test_a_simulation_finds_what_would_have_fired(store):
    made = service(store, pools={"lab": {"gpus": 1, "usd_per_gpu_hour": 2}})
    store.add([hour(NOW - (60 - n) * HOUR, "empty", "unallocated" if 20 <= n < 40 else "serving") for n in range(60)])
    found = [one for one in Alerting(made).simulate(NOW - 58 * HOUR, NOW, HOUR) if one.rule == "idle_gpu"]
    assert [(one.labels["gpu"], one.since, one.until) for one in found] == [("empty", NOW - 39 * HOUR, NOW - 19 * HOUR)]
    assert store.read("SELECT count() FROM alerts")[1] == [(0,)]
    assert isinstance(watch.samples(rules()["idle_gpu"], [])[:1], list)
    assert Sample((), 1.0).figures == ()


def test_the_week_is_told_once_on_monday(store, tmp_path):
    """Money against the week before, who moved, what to do; the same in a file; one message a week and channel."""
    made = service(store, workloads={"bot": {"match": {"key": "k"}}})
    monday = NOW.replace(hour=0) - 2 * DAY
    rows = [
        request(
            monday - (d + 1) * DAY + HOUR,
            f"w{d}",
            model="m",
            workload="<b>",
            input_fresh=2_000_000 if d < 7 else 1_000_000,
        )
        for d in range(14)
    ]
    store.add(rows)
    made.tick()
    start, end = week_before(NOW)
    assert (start, end) == (monday - 7 * DAY, monday)
    fire(store, NOW, 0.2)
    found = digest(made, start, end)
    text = found.text()
    assert "API spend, metered: $14.00, +100.0%" in text
    assert "<b> · m · $14.00 · 100.0%" in text
    assert "No GPU is paid for." in text
    assert "Nothing fires." in text
    assert "&lt;b&gt;" in found.page()
    assert "<b>" not in found.page()
    alerting = Alerting(made)
    assert [alerting.announce(found.message(""), NOW) for _ in range(2)] == [1, 0]
    assert [n.state for n in alerting.deliver(NOW)] == ["sent"]
    assert [due(monday + h * HOUR) for h in (7, 8, 23, 24)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("more", "silent", "loud"),
    [
        ({}, ["2026-11-25T00:00", "2026-11-25T23:59"], []),
        (
            {"start": "22:00", "end": "06:00"},
            ["2026-11-25T22:00", "2026-11-25T05:59"],
            ["2026-11-25T06:00", "2026-11-25T21:59"],
        ),
        (
            {"weekdays": ["fri"], "start": "22:00", "end": "06:00"},
            ["2026-11-27T23:00", "2026-11-28T05:00"],
            ["2026-11-27T05:00", "2026-11-28T23:00"],
        ),
        ({"weekdays": ["sat", "sun"]}, ["2026-11-28T12:00"], ["2026-11-27T12:00"]),
        (
            {"start": "08:00", "end": "09:00", "timezone": "Asia/Kolkata"},
            ["2026-11-25T02:30"],
            ["2026-11-25T03:30", "2026-11-25T08:30"],
        ),
        ({"rules": ["node_missing"]}, [], ["2026-11-25T12:00"]),
    ],
)
def test_quiet_times(more, silent, loud):
    quiet = notify.Quiet(**more)
    for text, expected in [*((t, True) for t in silent), *((t, False) for t in loud)]:
        assert quiet.covers("invoice_gap", datetime.fromisoformat(text).replace(tzinfo=UTC)) is expected, text


def test_a_quiet_time_holds_messages_back(store, told_by_hand):
    made = service(store, alerts={"quiet": {"lunch": {"start": "12:00", "end": "13:00"}}})
    for n in range(4):
        fire(store, NOW + n * 30 * MINUTE, 0.2)
        Alerting(made).look("spend", NOW + n * 30 * MINUTE)
        assert len(told(store)) == (n >= 2), n
