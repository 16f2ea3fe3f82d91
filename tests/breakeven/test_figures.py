"""Figures of panels against the same figures from elsewhere: the cost report, raw facts read in Python, the verdicts."""

import json
from collections import Counter, defaultdict
from datetime import timedelta

import pytest

from dashboards import page, panel
from ledger.costing import report

PANELS = [
    (name, key) for name in panel.NAMES for key, one in panel.dashboard(name).panels.items() if one.draw != "text"
]
DAYS = 30


@pytest.fixture(scope="module")
def asked(demo_service):
    """A way to ask panels of the demo over its last thirty days, up to a whole hour."""
    service, _, as_of = demo_service
    end = as_of.replace(minute=0, second=0, microsecond=0)
    start = end - timedelta(days=DAYS)

    def ask(what, days=DAYS, **variables):
        name, _, key = what.partition("/")
        given = {k: [v] for k, v in variables.items()}
        return page.answer(
            service.store,
            name,
            key,
            start=end - timedelta(days=days),
            end=end,
            as_of=end,
            width=100_000,
            variables=given,
        )

    ask.service, ask.start, ask.end = service, start, end
    return ask


@pytest.fixture(scope="module")
def facts(asked):
    """API attempts of the range as they lie there, priced."""
    names = [
        "at",
        "provider",
        "model",
        "workload",
        "request_id",
        "attempt",
        "status",
        "total_input",
        "cache_read",
        "output",
        "cost",
        "unpriced_tokens",
    ]
    text = f"SELECT {', '.join(names)} FROM v_requests WHERE side = 'api' AND at >= {{a:DateTime}} AND at < {{b:DateTime}} ORDER BY at"
    rows = []
    at = asked.start
    while at < asked.end:
        until = min(at + timedelta(days=3), asked.end)
        rows += asked.service.store.read(text, {"a": at, "b": until})[1]
        at = until
    return [dict(zip(names, row, strict=True)) for row in rows]


def stat(data):
    """A stat's figure and the one before it."""
    values = data["columns"][[f["name"] for f in data["fields"]].index("value")]
    return values[-1]


def total(asked, **more):
    rows, whole = report.cost(asked.service.store, by=["side", "component"], since=asked.start, until=asked.end, **more)
    return rows, whole


def test_money_of_both_sides_is_the_report_s(asked):
    """Four stats and two charts, each against `breakeven cost`: the same range, the same money."""
    rows, _ = total(asked)
    money = defaultdict(float)
    for row in rows:
        told = row.json()
        money[told["side"]] += float(told["cost"])
        money[told["component"]] += float(told["cost"])
    assert stat(asked("overview/spend_api")) == pytest.approx(money["api"])
    assert stat(asked("api/spend")) == pytest.approx(money["api"])
    assert stat(asked("overview/spend_own")) == pytest.approx(money["self_hosted"])
    for what, side in (
        ("api/by_model", "api"),
        ("api/by_class", "api"),
        ("gpu/money_classes", "self_hosted"),
        ("gpu/cost_build_up", "self_hosted"),
    ):
        data = asked(what)
        assert data["from"] <= asked.start.timestamp()
        end = asked.end.replace(hour=0)
        aligned = [
            i for i, t in enumerate(data["columns"][0]) if asked.start.timestamp() * 1000 <= t < end.timestamp() * 1000
        ]
        drawn = sum(c[i] or 0 for c in data["columns"][1:] for i in aligned)
        first = data["columns"][0][aligned[0]] / 1000
        days, _ = report.cost(
            asked.service.store, by=["side"], since=asked.start.fromtimestamp(first, asked.end.tzinfo), until=end
        )
        assert drawn == pytest.approx(sum(float(r.json()["cost"]) for r in days if r.json()["side"] == side)), what


def test_usage_is_the_facts(asked, facts):
    """Tokens, cached share, requests, unpriced share, blended price, wasted share: from attempts, one by one, in Python."""
    tokens = sum(f["total_input"] + f["output"] for f in facts)
    assert stat(asked("api/tokens")) == tokens
    assert stat(asked("api/cached")) == pytest.approx(
        sum(f["cache_read"] for f in facts) / sum(f["total_input"] for f in facts)
    )
    # a request whose attempts lie in two hours is told once by the rollup, in the hour of its first
    assert stat(asked("api/requests")) == pytest.approx(len({f["request_id"] for f in facts}), rel=1e-3)
    unpriced = sum(f["unpriced_tokens"] for f in facts)
    assert unpriced > 0
    assert stat(asked("overview/unpriced")) == pytest.approx(unpriced / tokens)
    known = sum(float(f["cost"] or 0) for f in facts)
    paid = stat(asked("overview/spend_api"))
    assert stat(asked("api/blended")) == pytest.approx(paid / tokens * 1e6)
    failed = sum(float(f["cost"] or 0) for f in facts if f["status"] >= 400)
    assert failed / known <= stat(asked("api/wasted")) < 0.05
    spent = asked("api/hourly")
    assert sum(v or 0 for v in spent["columns"][1]) == pytest.approx(known)
    one = asked(
        "api/tokens",
        workload="support-bot",
        provider="anthropic",
        model="claude-demo-sonnet",
        team="support",
        environment="prod",
    )
    assert stat(one) == sum(f["total_input"] + f["output"] for f in facts if f["workload"] == "support-bot")


def test_attempts_by_outcome_are_counted(asked, facts):
    data = asked("api/attempts")
    drawn = {f["name"]: sum(v or 0 for v in c) for f, c in zip(data["fields"][1:], data["columns"][1:], strict=True)}
    counted = Counter("ok" if f["status"] < 400 else "429, refused" if f["status"] == 429 else "other" for f in facts)
    assert drawn["ok"] == counted["ok"]
    assert sum(drawn.values()) == len(facts)


def test_the_workload_s_figures_are_its_verdict_s(asked):
    """Options, flips, the point of the curve and the API line at it: what the verdict stored."""
    (row,) = asked.service.store.ask("ledger.verdict", "latest", workload="support-bot")
    details = json.loads(row["details"])
    data = asked("workload/options", workload="support-bot")
    names = [f["name"] for f in data["fields"]]
    shown = {
        (o, w): usd
        for o, w, usd in zip(*(data["columns"][names.index(n)] for n in ("option", "way", "usd_month")), strict=True)
    }
    assert shown == {(o["option"], o["label"]): pytest.approx(o["usd_month"]) for o in details["options"]}
    curve = asked("workload/break_even", workload="support-bot")
    x, api, own, today = curve["columns"]
    (at,) = [i for i, v in enumerate(today) if v is not None]
    assert today[at] == pytest.approx(float(row["candidate_usd_month"]))
    assert api[at] == pytest.approx(float(row["api_usd_month"]))
    assert x[at] == pytest.approx(row["requests_month"] / 30)
    pool = next(o["usd_month"] for o in details["options"] if o["label"] == "self_hosted")
    assert own[at] == pytest.approx(pool)
    assert stat(asked("overview/saving")) == pytest.approx(float(row["saving_usd_month"]))
    assert stat(asked("overview/to_switch")) == 1
    decision = asked("workload/decision", workload="support-bot")
    told = {f["name"]: c[0] for f, c in zip(decision["fields"], decision["columns"], strict=True)}
    assert told["saving_low"] == pytest.approx(30 * details["bound"]["lower"])
    assert told["payback_days"] == pytest.approx(30 * details["payback"]["months"])


def test_gpu_figures_are_the_hours(asked):
    """Used share, unknown share, idle money and cost an hour: from GPU-hours read one by one."""
    names = ["hour", "gpu", "state", "seconds", "used_s", "usd"]
    span = {"a": asked.end - timedelta(hours=24), "b": asked.end}
    rows = asked.service.store.read(
        f"SELECT {', '.join(names)} FROM v_gpu_hourly WHERE hour >= {{a:DateTime}} AND hour < {{b:DateTime}}", span
    )[1]
    hours = [dict(zip(names, row, strict=True)) for row in rows]
    usd = sum(float(h["usd"]) for h in hours)
    assert stat(asked("gpu/cost_per_hour")) == pytest.approx(usd / 24)
    serving = sum(h["used_s"] for h in hours if h["state"] in ("serving", "serving_low"))
    assert stat(asked("gpu/used_share_now")) == pytest.approx(serving / sum(h["seconds"] for h in hours))
    unknown = sum(float(h["usd"]) for h in hours if h["state"] in ("unknown", "held_unknown"))
    assert stat(asked("gpu/unknown")) == pytest.approx(unknown / usd, abs=1e-6)
    idle, _ = report.cost(
        asked.service.store, by=["component"], since=span["a"], until=span["b"], only={"side": ["self_hosted"]}
    )
    parts = {r.json()["component"]: float(r.json()["cost"]) for r in idle}
    unused = sum(parts.get(k, 0) for k in ("gpu_headroom", "gpu_warm_idle", "gpu_unallocated"))
    assert stat(asked("overview/idle_per_day")) == pytest.approx(unused)
    assert stat(asked("gpu/idle_cost")) == pytest.approx(unused)
    assert stat(asked("gpu/online")) == len(
        {h["gpu"] for h in hours if h["hour"] == asked.end - timedelta(hours=1) and h["state"] != "unknown"}
    )


def test_traffic_and_lengths_are_the_facts(asked, facts):
    """Thursday at ten, and the prompts of 4,097 to 8,192 tokens: counted in Python."""
    mine = [f for f in facts if f["workload"] == "support-bot"]
    data = asked("workload/traffic", workload="support-bot")
    at = data["columns"][0].index("Thu")
    hours = {asked.start + timedelta(hours=h) for h in range(DAYS * 24)}
    thursdays = [h for h in hours if h.weekday() == 3 and h.hour == 10]
    counted = Counter(
        f["at"].replace(minute=0, second=0, microsecond=0)
        for f in {f["request_id"]: f for f in reversed(mine)}.values()
    )
    shown = data["columns"][[f["name"] for f in data["fields"]].index("h10")][at]
    assert shown == pytest.approx(sum(counted[h] for h in thursdays) / len(thursdays), rel=0.02)
    lengths = asked("workload/lengths", workload="support-bot")
    step = lengths["columns"][0].index(8192)
    inputs = [f["total_input"] for f in mine if f["total_input"] > 0]
    assert lengths["columns"][1][step] == pytest.approx(sum(4096 < n <= 8192 for n in inputs) / len(inputs))
    assert stat(asked("health/ledger_rollup")) == pytest.approx(0, abs=1e-9)
    ranking = dict(zip(*asked("overview/top_spend")["columns"], strict=True))
    spent = sum(float(f["cost"] or 0) for f in mine)
    assert ranking["support-bot"] == pytest.approx(spent, rel=1e-9)


TYPES = {"time": {"time"}, "name": {"string"}, "lane": {"string"}}
NUMBERS = {
    "stat": ["time", "value"], "ranking": ["name", "value"], "grid": ["lane"], "states": ["time"], "history": ["time"], "lines": ["time"],
    "bars": ["time"], "curve": [], "table": [], "banner": [],
}  # fmt: skip


@pytest.mark.parametrize("days", [0.25, 7, 60])
@pytest.mark.parametrize(("name", "key"), PANELS)
def test_columns_are_what_the_draw_takes(asked, name, key, days):
    """Over six hours, a week and all sixty days: names and types of the draw, one length, time ascending."""
    variables = {"workload": "support-bot"} if name == "workload" else {}
    data = asked(f"{name}/{key}", days=days, **variables)
    one = panel.dashboard(name).panels[key]
    if not data["rows"]:
        return
    fields = {f["name"]: f["type"] for f in data["fields"]}
    assert list(fields)[: len(NUMBERS[one.draw])] == NUMBERS[one.draw]
    for field, kind in fields.items():
        assert kind in TYPES.get(field, {kind})
        if (
            one.draw in ("stat", "lines", "bars", "states", "history", "grid", "curve", "ranking")
            and field not in TYPES
        ):
            assert kind in ("number", "boolean")
    assert {len(c) for c in data["columns"]} == {data["rows"]}
    assert not data["truncated"]
    if one.draw in ("lines", "bars", "states", "history", "stat"):
        assert data["columns"][0] == sorted(data["columns"][0])
    if one.draw == "stat":
        assert data["rows"] in (1, 2)
    if one.draw in ("table", "banner"):
        assert set(one.fields) == set(fields), "every column has its title, and no title is without a column"
    if one.codes:
        codes = {v for c in data["columns"][1:] for v in c if v is not None}
        assert codes <= set(range(1, 1 + len(panel.vocabulary()["mappings"][one.codes])))
