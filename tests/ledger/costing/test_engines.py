"""Counters of model servers: the work and cost of hours without request records, beside them never twice."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from made import request

from collector.attribution import Attribution
from collector.receivers.loader import Loader
from collector.receivers.otlp import METRICS, PROTOBUF, Receiver
from exporters.inference import Interval, Server, message
from ledger.costing import report
from ledger.costing.declared import Declared, Pool
from ledger.costing.tick import tick
from ledger.prices.book import END
from ledger.prices.register import PriceRegister
from ledger.records import Deployment, GpuRate

START = datetime(2026, 11, 10, 8, tzinfo=UTC)
NOW = START + timedelta(hours=6)
D = Decimal
DEPLOYMENT = Deployment("chat", "self_hosted", "own", "m", "lab", ["GPU-1"], 1, 0.0, 0.0, 0.01, 0.0, "A", START)
"""A replica makes 100 output tokens a second; nothing else costs work."""
DECLARED = Declared(
    rates=(GpuRate("lab", "rented", 1, D(4), START, END, START),), pools=(Pool("lab", 1),), deployments=(DEPLOYMENT,)
)


@pytest.fixture
def door(store):
    return Receiver(Loader(store, PriceRegister(store), Attribution((), (DEPLOYMENT,))), 20 << 20)


def tell(door, *found, deployment="chat", url="http://host:8000/metrics"):
    body = message(Server(url, deployment, "m"), found, "lab", "node-1").SerializeToString()
    answer = door.take(METRICS, body, PROTOBUF, "", NOW)
    assert answer.status == 200
    return answer


def interval(minute, seconds=15, **counts):
    start = START.timestamp() + minute * 60
    return Interval("m", start, start + seconds, counts={"input": 0.0, "output": 0.0, **counts}, running=0.0)


def half_an_hour(**each):
    """120 intervals of 15 s in which half of the replica's 1,500 tokens are made, then 30 quiet minutes."""
    busy = [interval(n / 4, output=750.0, input=100.0, ok=3.0, **each) for n in range(120)]
    return [*busy, *(interval(30 + n / 4) for n in range(120))]


def shown(store, hours=1):
    rows, _ = report.cost(store, by=["component"], since=START, until=START + timedelta(hours=hours))
    return {row.group["component"]: row.cost for row in rows}


def test_what_servers_count_is_work_and_costs(store, door):
    """4 USD an hour: 30 minutes half used = 1 used, 1 headroom, 2 loaded and idle; 360 requests and 90,000 tokens out."""
    tell(door, *half_an_hour())
    for _ in range(2):
        tick(store, DECLARED, NOW)
        assert shown(store) == {"gpu_used": D(1), "gpu_headroom": D(1), "gpu_warm_idle": D(2)}
        (row,), _ = report.cost(store, by=["side"], since=START, until=START + timedelta(hours=1))
        assert (row.requests, row.successful_requests, row.total_input, row.output) == (360, 360, 12_000, 90_000)
        assert (row.cost, row.usage_cost, row.per_request) == (D(4), D(1), D(4) / 360)


def test_a_server_that_is_not_looked_at_is_unknown_not_idle(store, door):
    """Half an hour of looks, then none: what nothing speaks of is unknown; a server that is down tells nothing either."""
    start = START.timestamp()
    down = [Interval("m", start + 1800 + 15 * n, start + 1815 + 15 * n, up=False) for n in range(60)]
    tell(door, *half_an_hour()[:120], *down)
    tick(store, DECLARED, NOW)
    assert shown(store) == {"gpu_used": D(1), "gpu_headroom": D(1), "gpu_unknown": D(2)}


def test_sent_again_nothing_changes(store, door):
    tell(door, *half_an_hour())
    tell(door, *half_an_hour())
    tick(store, DECLARED, NOW)
    assert shown(store)["gpu_used"] == D(1)
    assert store.read("SELECT count() FROM v_engine_samples")[1] == [(240,)]


def test_request_records_win_their_hour(store, door):
    """A request of the hour is there: its tokens count and the server's do not; the hour after is still the server's."""
    tell(door, *half_an_hour(), *(interval(60 + n / 4, output=1500.0, ok=1.0) for n in range(240)))
    store.add([request(START + timedelta(minutes=5), 1, side="self_hosted", provider="own", model="m", deployment="chat",
                       workload="bot", output=3000, latency_ms=30_000)])  # fmt: skip
    tick(store, DECLARED, NOW)
    rows, _ = report.cost(store, by=["workload"], bucket="hour", since=START, until=START + timedelta(hours=2))
    found = {
        (row.group["bucket"][11:13], row.group["workload"]): (row.requests, row.output) for row in rows if row.output
    }
    assert found == {("08", "bot"): (1, 3000), ("09", "unassigned"): (240, 360_000)}
    rows, _ = report.cost(store, by=["component"], bucket="hour", since=START, until=START + timedelta(hours=2))
    used = {row.group["bucket"][11:13]: row.cost for row in rows if row.group["component"] == "gpu_used"}
    assert used["09"] == D(4)
    assert abs(used["08"] - D(4) * 30 / 3600) < D("0.000002")


def test_work_of_an_hour_that_is_not_closed_has_no_cost_yet(store, door):
    """Tokens are there at once, the pool's money when the hour ends: until then unknown, not 0."""
    tell(door, *half_an_hour())
    tick(store, DECLARED, START + timedelta(minutes=50))
    (row,), total = report.cost(store, by=["side"])
    assert (row.output, row.cost, row.per_mtok, total.cost) == (90_000, None, None, None)


def test_late_request_records_take_the_hour_over(store, door):
    tell(door, *half_an_hour())
    tick(store, DECLARED, NOW)
    store.add([request(START, 1, side="self_hosted", provider="own", model="m", deployment="chat", output=100)])
    tick(store, DECLARED, NOW)
    (row,), _ = report.cost(store, by=["side"], since=START, until=START + timedelta(hours=1))
    assert (row.requests, row.output) == (1, 100)
    assert sum(shown(store).values()) == D(4)


def test_a_server_that_counts_no_requests_leaves_their_number_unknown(store, door):
    tell(door, *(interval(n, output=100.0) for n in range(10)))
    tick(store, DECLARED, NOW)
    (row,), _ = report.cost(store, by=["side"], since=START, until=START + timedelta(hours=1))
    assert (row.requests, row.per_request, row.output) == (None, None, 1000)


def test_the_deployment_is_found_by_the_model(store, door):
    tell(door, interval(1, output=100.0), deployment="")
    assert store.read("SELECT deployment, replica, node, pool, dt_s, up FROM v_engine_samples")[1] == [
        ("chat", "host:8000", "node-1", "lab", 15.0, 1)
    ]


def test_a_server_that_is_down_is_a_fact_without_counts(store, door):
    start = START.timestamp()
    tell(door, Interval("m", start, start + 15, up=False))
    assert store.read("SELECT up, output, n_ok, running FROM v_engine_samples")[1] == [(0, None, None, None)]


@pytest.mark.parametrize(("minute", "touched"), [(0, 5), (20, 6)])
def test_a_night_without_looks_loses_no_token(store, door, minute, touched):
    """The exporter was away for five hours and the counters went on: every hour has its part, and they add up."""
    tell(door, interval(minute, seconds=5 * 3600 - 600, output=10_001.0, ok=7.0))
    for _ in range(2):
        tick(store, DECLARED, NOW)
        rows, total = report.cost(store, by=["deployment"], bucket="hour")
        hours = [row.output for row in rows if row.output]
        assert (total.output, total.requests, sum(hours)) == (10_001, 7, 10_001)
        assert len(hours) == touched
        assert all(0 < n <= 2_100 for n in hours)
    tell(door, interval(minute, seconds=5 * 3600 - 600, output=10_001.0, ok=7.0))
    assert store.read("SELECT sum(output), sum(n_ok) FROM v_engine_samples")[1] == [(10_001, 7)]


def test_times_to_first_token_keep_their_edges(store, door):
    one = interval(1, output=10.0, ok=4.0)
    one.ttft = {0.1: 1, 0.5: 3, float("inf"): 4}
    tell(door, one)
    ((found,),) = store.read("SELECT ttft FROM v_engine_samples")[1]
    assert {round(edge, 3): n for edge, n in found.items()} == {0.1: 1, 0.5: 3, float("inf"): 4}


@pytest.mark.parametrize(("change", "field"), [({"end": 9e9}, "time_unix_nano"), ({"output": -5.0}, "output")])
def test_a_bad_interval_is_rejected_and_the_rest_stored(store, door, change, field):
    bad = interval(3, **{k: v for k, v in change.items() if k == "output"})
    bad.end = change.get("end", bad.end)
    tell(door, bad, interval(1, output=10.0))
    assert store.read("SELECT field FROM rejected")[1] == [(field,)]
    assert store.read("SELECT output FROM v_engine_samples")[1] == [(10,)]
