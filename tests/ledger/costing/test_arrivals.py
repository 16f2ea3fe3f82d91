"""Arrivals by hour and source: what the requests themselves say, also after rows came again or were set aside."""

import random
from datetime import timedelta

from made import NOW, request

from ledger.costing.declared import Declared
from ledger.costing.tick import tick

DIRECT = """SELECT toStartOfHour(at) AS hour, source, count() AS attempts, countIf(duplicate_of = 0 AND intDiv(ver, 1000000000) > toUInt32(at) + 3600) AS late,
  countIf(duplicate_of != 0) AS repeats FROM requests FINAL GROUP BY hour, source ORDER BY hour, source"""
KEPT = "SELECT hour, source, attempts, late, repeats FROM v_arrivals_hourly ORDER BY hour, source"


def test_the_hourly_counts_are_those_of_the_requests(store):
    rng = random.Random(5)
    for _ in range(4):
        some = [
            request(NOW - timedelta(minutes=rng.randrange(600)), rng.randrange(300), source=rng.choice(["a", "b"]), duplicate_of=rng.choice([0, 0, 1]))
            for _ in range(200)
        ]  # fmt: skip
        store.add(some)
        tick(store, Declared(), NOW)
        found = store.read(DIRECT)[1]
        assert store.read(KEPT)[1] == found
        assert {row[1] for row in found} == {"a", "b"}
    assert sum(row[4] for row in found) > 0
    assert sum(row[3] for row in found) > 0
