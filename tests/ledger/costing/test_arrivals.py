"""Counts by hour that panels read in place of facts: what the facts themselves say, also after rows came again or were set aside."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from made import NOW, request

from dashboards import page
from ledger.costing.declared import Declared
from ledger.costing.tick import tick
from ledger.records import GpuSample

ROLLUPS = {
    "arrivals": (
        "SELECT hour, source, attempts, late, repeats FROM v_arrivals_hourly ORDER BY hour, source",
        """SELECT toStartOfHour(at) AS hour, source, count() AS attempts,
             countIf(duplicate_of = 0 AND intDiv(ver, 1000000000) > toUInt32(at) + 3600) AS late, countIf(duplicate_of != 0) AS repeats
           FROM requests FINAL GROUP BY hour, source ORDER BY hour, source""",
    ),
    "readings": (
        """SELECT hour, node, gpu, slice, source, readings, util_n, round(util_sum, 6), mem_n, mem_mib_sum, power_n, round(power_w_sum, 6), temperature_max
           FROM v_gpu_readings_hourly ORDER BY ALL""",
        """SELECT toStartOfHour(toDateTime(at, 'UTC')) AS hour, node, gpu, slice, source, count(), count(util), round(sum(toFloat64(ifNull(util, 0))), 6),
             count(mem_mib), sum(toFloat64(ifNull(mem_mib, 0))), count(power_w), round(sum(toFloat64(ifNull(power_w, 0))), 6), max(temperature)
           FROM gpu_samples FINAL GROUP BY hour, node, gpu, slice, source ORDER BY ALL""",
    ),
}
"""What is kept, and the same asked of the facts."""


def calls(rng):
    return [
        request(NOW - timedelta(minutes=rng.randrange(600)), rng.randrange(300), source=rng.choice(["a", "b"]),
                duplicate_of=rng.choice([0, 0, 1]), workload=rng.choice(["w", "x"]), input_fresh=rng.choice([0, 1, 2, 3, 4, 5, 1023, 1024, 1025, 10**9]),
                cache_read=rng.choice([0, 0, 7]), output=rng.choice([0, 1, 2, 4095, 4096, 4097]))
        for _ in range(200)
    ]  # fmt: skip


def readings(rng):
    return [
        GpuSample(NOW.replace(minute=0) - timedelta(seconds=10 * rng.randrange(3600)), f"n{gpu % 2}", f"GPU-{gpu}", slice=rng.choice(["", "MIG-1"]), pool="lab",
                  dt_s=10, util=rng.choice([None, 0, 55.5]), mem_mib=rng.choice([None, 100, 80_000]), power_w=rng.choice([None, 71.25, 400.5]),
                  source=rng.choice(["nvml", "dcgm"]), temperature=rng.choice([None, 40, 71]))
        for gpu in rng.choices(range(4), k=300)
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(2))
def test_the_hourly_counts_are_those_of_the_facts(store, seed):
    rng = random.Random(seed)
    for _ in range(3):
        for rows in (calls(rng), readings(rng)):
            months = {(row.at.year, row.at.month) for row in rows}
            for month in months:
                store.add([row for row in rows if (row.at.year, row.at.month) == month])
        tick(store, Declared(), NOW)
        for kept, direct in ROLLUPS.values():
            found = store.read(direct)[1]
            assert found
            assert store.read(kept)[1] == found
        assert lengths(store) == Counter(
            (at.replace(minute=0, second=0, microsecond=0), workload, what, (tokens - 1).bit_length())
            for at, workload, *told in store.read("SELECT at, workload, total_input, output FROM v_requests")[1]
            for what, tokens in zip(("prompt", "answer"), told, strict=True) if tokens
        )  # fmt: skip


def lengths(store):
    """Return what is kept of lengths: step n holds more than half of two to the n tokens, and at most that."""
    return {
        (hour, workload, what, step): n
        for hour, workload, *told in store.read("SELECT hour, workload, prompts, answers FROM v_lengths_hourly")[1]
        for what, counts in zip(("prompt", "answer"), told, strict=True)
        for step, n in counts.items()
    }


PANELS = ("device", "power_by_gpu", "memory", "temperature")


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_of_readings_says_the_same_from_hours_and_from_samples(store, name):
    """Over a whole hour, bucket by bucket of an hour: mean or maximum of what shorter buckets read."""
    rows = [row for row in readings(random.Random(3)) if not row.slice]
    for month in {row.at.month for row in rows}:
        store.add([row for row in rows if row.at.month == month])
    tick(store, Declared(), NOW)
    column = {
        "device": "util / 100",
        "power_by_gpu": "power_w",
        "memory": "mem_mib / 1024",
        "temperature": "temperature",
    }[name]
    how = "max" if name == "temperature" else "avg"
    expected = store.read(
        f"SELECT toStartOfHour(toDateTime(at, 'UTC')) AS time, gpu, {how}(toFloat64({column})) AS value FROM gpu_samples FINAL GROUP BY time, gpu HAVING isNotNull(value) ORDER BY time, gpu"
    )[1]
    found = page.answer(store, "gpu", name, start=NOW - timedelta(hours=12), end=NOW, as_of=NOW)
    assert found["bucket"] == 3600
    told = {
        (at, field["name"]): value
        for field, column in zip(found["fields"][1:], found["columns"][1:], strict=True)
        for at, value in zip(found["columns"][0], column, strict=True) if value is not None
    }  # fmt: skip
    assert told == {(int(time.timestamp() * 1000), gpu): pytest.approx(value) for time, gpu, value in expected}
