"""`breakeven capacity`: from a load test and from production into the store, costs and the table."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from made import command

from ledger.records import EngineSample
from ledger.store import Store

CONFIG = """
[pools.lab]
gpus = 2
usd_per_gpu_hour = 2
since = 2026-11-01
[deployments.own]
side = "self_hosted"
model = "m"
pool = "lab"
gpus = ["GPU-1"]
slo = { ttft_p99_ms = 1500 }
[deployments.typed]
side = "self_hosted"
model = "n"
pool = "lab"
gpus = ["GPU-2"]
s_per_mtok_output = 500
grade = "D"
"""
LADDER = """rate,output_tok_s,ttft_p99_ms,tpot_p90_ms,input_tokens,output_tokens
1,100,300,20,1000,100
3,300,1500,40,1000,100
4,380,1900,45,1000,100
1,300,300,20,100,400
2,500,800,50,100,400
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "breakeven.toml").write_text(CONFIG)
    (tmp_path / "ladder.csv").write_text(LADDER)
    return tmp_path


def ask(place, *arguments, code=0):
    done = command(
        *arguments, "--json", store=place / "store", code=code, BREAKEVEN_CONFIG=str(place / "breakeven.toml")
    )
    return json.loads(done.stdout)


def rows(place):
    return {row["deployment"]: row for row in ask(place, "capacity")["rows"]}


def test_a_load_test_becomes_a_capacity_of_grade_a(place):
    """At TTFT 1.5 s: 300 tok/s of (1,000, 100) and 500 of (100, 400): 0.333 s and 0.8 s a request."""
    before = rows(place)
    assert (before["own"]["grade"], before["own"]["known_from"]) == ("", "nothing yet")
    assert (before["typed"]["grade"], before["typed"]["known_from"]) == ("D", "configuration")
    fitted = ask(place, "capacity", "fit", str(place / "ladder.csv"), "--deployment", "own")
    assert [p["theta"] for p in fitted["points"]] == [300, 500]
    a_out = (0.8 - 1 / 30) / (400 - 10)
    assert fitted["fit"]["s_per_mtok_output"] == pytest.approx(a_out * 1e6)
    after = rows(place)["own"]
    assert (after["grade"], after["known_from"]) == ("A", "2 shapes")
    assert after["evidence"]["shapes"] == [[1000, 0, 100], [100, 0, 400]]
    shown = command("capacity", store=place / "store", BREAKEVEN_CONFIG=str(place / "breakeven.toml"))
    assert "2 shapes" in shown.stdout


def test_without_a_deployment_nothing_is_stored(place):
    fitted = ask(place, "capacity", "fit", str(place / "ladder.csv"), "--ttft-p99-ms", "1900")
    assert (fitted["stored"], fitted["points"][0]["theta"]) == ("", 380)
    assert rows(place)["own"]["grade"] == ""
    never = ask(place, "capacity", "fit", str(place / "ladder.csv"), "--ttft-p99-ms", "10", code=1)
    assert never["fit"] is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rows"),
        ("rate,output_tok_s\n1,2\n", "line 2: ttft_p99_ms: missing"),
        (LADDER.replace("3,300", "3,fast"), "line 3: output_tok_s: 'fast' is not a number"),
        (LADDER.replace("3,300", "3,-1"), "line 3: output_tok_s: -1 is not a number of 0 or more"),
        (LADDER.replace("3,300", "3,0"), "line 3: output_tok_s and output_tokens are above 0"),
    ],
)
def test_a_broken_ladder_names_line_and_column(place, text, message):
    (place / "ladder.csv").write_text(text)
    done = command("capacity", "fit", str(place / "ladder.csv"), code=2)
    assert message in done.stderr


def test_production_gives_a_capacity_that_costs_follow(place):
    """Two replicas at 250 output tok/s each with a queue, for three hours: grade B, and used money by it."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=6)
    with Store(str(place / "store")) as store:
        store.migrate()
        store.add([
            EngineSample(
                hour + timedelta(seconds=60 * (n + 1)), "n1", "own", f"r{r}", "m", "lab", 60.0, 1, 60_000, 0, 15_000, 150,
                running=8.0, waiting=2.0, decode_s=450.0, ttft={0.5: 100, 1.0: 149, 2.0: 150},
            )
            for n in range(180) for r in (1, 2)
        ])  # fmt: skip
    # 149 of 150 first tokens came within a second: that is the 99th percentile
    assert rows(place)["own"]["observed"] == {"grade": "B", "output_tok_s": 250.0, "buckets": 36}
    found = ask(place, "capacity", "set", "own", "--observed")
    assert found["grade"] == "B"
    request = 400 * found["s_per_mtok_uncached"] / 1e6 + 100 * found["s_per_mtok_output"] / 1e6
    assert request == pytest.approx(100 / 250)
    parts = {r["component"]: float(r["cost"]) for r in ask(place, "cost", "--by", "component")["rows"]}
    assert parts["gpu_used"] == pytest.approx(3 * 2.0, rel=0.01)  # one GPU is declared: it was full for three hours


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["own"], "either --observed, or figures"),
        (["own", "--observed", "--output", "5"], "either --observed, or figures"),
        (["own", "--output", "5", "--grade", "A"], "A comes from `capacity fit`"),
        (["none", "--output", "5"], "none: not an own deployment; declared are own, typed"),
        (["own", "--observed"], "no five minutes of work"),
    ],
)
def test_what_cannot_be_set(place, arguments, message):
    environment = {"BREAKEVEN_CONFIG": str(place / "breakeven.toml")}
    assert message in command("capacity", "set", *arguments, store=place / "store", code=2, **environment).stderr


def test_a_typed_figure_is_grade_e_and_the_configuration_wins(place):
    assert ask(place, "capacity", "set", "own", "--output", "2000", "--uncached", "100")["grade"] == "E"
    assert rows(place)["own"]["s_per_output"] == pytest.approx(0.002)
    done = command(
        "capacity",
        "set",
        "typed",
        "--output",
        "9",
        store=place / "store",
        BREAKEVEN_CONFIG=str(place / "breakeven.toml"),
    )
    assert "they win until they are removed" in done.stderr
    assert rows(place)["typed"]["s_per_output"] == pytest.approx(0.0005)
