"""`breakeven verdict --explain`, --acknowledge, --switched, backtest and whatif, as people and scripts meet them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from made import command

CONFIG = """
[pools.lab]
gpus = 4
usd_per_gpu_hour = 0.5
[deployments.api]
side = "api"
provider = "openai"
model = "m"
[deployments.own]
side = "self_hosted"
model = "llama"
pool = "lab"
s_per_mtok_output = 2000
grade = "A"
[workloads.bot]
deployments = ["api", "own"]
match = { key = "bot-*" }
[workloads.quiet]
deployments = ["api", "own"]
match = { key = "nobody" }
policy = { data_class = "restricted", self_feasible = false }
[verdict]
switch_hours = 8
[[prices.override]]
provider = "openai"
model = "m"
input = 1
output = 40
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Forty days of thirty requests an hour, six of them at once."""
    folder = tmp_path_factory.mktemp("verdicts")
    (folder / "breakeven.toml").write_text(CONFIG)
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = [
        {"ts": (end - timedelta(days=40) + timedelta(hours=h, minutes=2 * max(0, n - 5))).isoformat(), "request_id": f"{h}-{n}",
         "provider": "openai", "model": "m", "key": "bot-1", "input_fresh": 100, "output": 2_500}
        for h in range(40 * 24) for n in range(30)
    ]  # fmt: skip
    (folder / "log.jsonl").write_text("\n".join(map(json.dumps, rows)))
    command(
        "import", str(folder / "log.jsonl"), store=folder / "store", BREAKEVEN_CONFIG=str(folder / "breakeven.toml")
    )
    return folder


def ask(place, *arguments, code=0):
    done = command(*arguments, store=place / "store", code=code, BREAKEVEN_CONFIG=str(place / "breakeven.toml"))
    return done.stdout if code == 0 else done.stderr


def test_an_explanation_says_sentences_first(place):
    text = " ".join(ask(place, "verdict", "bot", "--explain").split())
    for said in (
        "bot: hybrid n=1. 1 replica for the base load, peaks to the API.", "Advice: a move is recommended.",
        "with 80 % confidence between", "whole weeks", "The move costs $800.00 once and pays back after", "10/50/90 %",
        "flips at GPU price", "flips at API prices", "flips at volume", "→ api", "least sure:", "regret so far", "Options · 28 complete days",
    ):  # fmt: skip
        assert said in text, said
    assert text.index("Advice:") < text.index("Options")


def test_json_has_the_documented_shape(place):
    (row,) = json.loads(ask(place, "verdict", "bot", "--explain", "--json"))["rows"]
    assert {
        "facts",
        "judgement",
        "options",
        "bound",
        "flips",
        "volumes",
        "advice",
        "payback",
        "bands",
        "unsure",
    } <= set(row["details"])
    assert {o["label"] for o in row["details"]["options"]} == {"api", "hybrid", "self_hosted"}
    assert len(row["details"]["unsure"]) == 3
    low, middle, high = row["details"]["bands"]["payback_months"]
    assert low <= middle <= high
    rows = json.loads(ask(place, "verdict", "--json"))["rows"]
    assert {r["workload"]: r["verdict"] for r in rows} == {"bot": "hybrid", "quiet": "blocked"}
    quiet = next(r for r in rows if r["workload"] == "quiet")
    assert quiet["reason"].startswith("policy leaves no option: 1: restricted data")


def test_as_of_an_earlier_day_nothing_is_stored(place):
    day = f"{datetime.now(UTC) - timedelta(days=20):%Y-%m-%d}"
    (row,) = json.loads(ask(place, "verdict", "bot", "--as-of", day, "--json"))["rows"]
    assert (row["verdict"], "19 complete days" in row["reason"] or "20 complete days" in row["reason"]) == (
        "insufficient_data",
        True,
    )
    assert "hybrid" in ask(place, "verdict")


def test_backtest_and_whatif(place):
    (found,) = [r for r in json.loads(ask(place, "backtest", "--json"))["rows"] if r["workload"] == "bot"]
    assert found["hindsight"] <= min(found["cost"], found["stayed"])
    assert "as advised" in ask(place, "backtest", "bot")
    answer = json.loads(ask(place, "whatif", "bot", "--gpu-price", "50", "--json"))
    assert (answer["now"]["label"], answer["then"]["label"]) == ("hybrid", "api")
    assert "2 replicas of own" in ask(place, "whatif", "bot", "--volume", "x2", "--replicas", "2")
    assert "write a factor like x2" in ask(place, "whatif", "bot", "--volume", "twice", code=2)
    assert "nobody: not a workload: bot, quiet" in ask(place, "whatif", "nobody", code=2)


def test_answers_to_advice(place):
    """Accepted once, scored, and moved; what cannot be answered is said."""
    assert "quiet: nothing is recommended" in ask(place, "verdict", "quiet", "--acknowledge", code=2)
    assert "name one workload: bot, quiet" in ask(place, "verdict", "--acknowledge", code=2)
    text = " ".join(ask(place, "verdict", "bot", "--acknowledge", "--explain").split())
    assert "the recommended move was accepted" in text
    assert "Accepted with a forecast of" in text
    assert "the state is acknowledged" in ask(place, "verdict", "bot", "--acknowledge", code=2)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert "steady" in ask(place, "verdict", "bot", "--switched", today)
    assert "bot:" in ask(place, "verdict", "bot", "--switched", "yesterday", code=2)
