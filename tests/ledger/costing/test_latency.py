"""Latencies and outcomes by hour: percentiles within five per cent of the exact ones, counts that are the attempts."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from made import NOW, request

from ledger.costing.declared import Declared
from ledger.costing.tick import tick

DAY = datetime(2026, 11, 20, tzinfo=UTC)
P95 = """SELECT quantileExactWeighted(0.5)(ms, attempts), quantileExactWeighted(0.95)(ms, attempts), sum(attempts)
FROM v_latency_hourly WHERE what = {what:String}"""


def exact(values, q):
    return sorted(values)[int(q * (len(values) - 1))]


@pytest.mark.parametrize(("what", "spread"), [("ttft", 0.4), ("latency", 1.5)])
def test_percentiles_of_a_week_come_from_counts(store, what, spread):
    """3,000 attempts over a week and both sides, in any order, some late: the median and p95 of all of them."""
    rng = random.Random(3)
    rows = [
        request(DAY + timedelta(seconds=rng.randrange(4 * 86_400)), n, workload=rng.choice("ab"), side=rng.choice(["api", "self_hosted"]),
                input_fresh=10, status=rng.choice([200, 200, 200, 429, 500]),
                **{f"{what}_ms": None if n % 17 == 0 else int(rng.lognormvariate(6, spread))})
        for n in range(3000)
    ]  # fmt: skip
    rng.shuffle(rows)
    store.add(rows[:2000])
    tick(store, Declared(), NOW)
    store.add(rows[2000:])
    tick(store, Declared(), NOW)
    values = [v for r in rows if r.status < 400 and (v := getattr(r, f"{what}_ms")) is not None]
    middle, late, count = store.read(P95, {"what": what})[1][0]
    assert count == len(values)
    assert middle == pytest.approx(exact(values, 0.5), rel=0.06)
    assert late == pytest.approx(exact(values, 0.95), rel=0.06)
    ended = dict(store.read("SELECT status, sum(attempts) FROM v_status_hourly GROUP BY status")[1])
    assert ended == {status: sum(r.status == status for r in rows) for status in (200, 429, 500)}


def test_what_is_gone_is_gone_from_the_counts(store):
    """An attempt that moves to another hour with a later delivery of more output leaves no count behind."""
    store.add([request(DAY, 1, input_fresh=10, latency_ms=100, ttft_ms=10)])
    tick(store, Declared(), NOW)
    store.command("TRUNCATE TABLE requests")
    store.add([request(DAY, 2, input_fresh=10, latency_ms=5000)])
    tick(store, Declared(), NOW)
    assert store.read("SELECT what, sum(attempts) FROM v_latency_hourly GROUP BY what")[1] == [("latency", 1)]
