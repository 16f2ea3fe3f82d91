"""Cases of the self-hosted side through the real engine: C12 C14 C18 C21 C36 C39; parts of any node-hour add up."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from collector.receivers.gpu_metrics import GpuMetrics
from collector.receivers.otlp import METRICS
from ledger.costing import report
from ledger.costing.allocation import allocate
from ledger.costing.declared import Declared, Pool
from ledger.costing.tick import tick
from ledger.prices.book import END
from ledger.records import Deployment, EngineSample, GpuRate, GpuSample
from ledger.verdict import coverage, load

START = datetime(2026, 11, 10, tzinfo=UTC)
D = Decimal
MINUTE = timedelta(minutes=1)


def test_c12_energy_over_a_reset_and_a_gap(store, cases):
    """77 kJ in sampled intervals, 198 kJ more over the gap; sampled for 300 of 960 s."""
    given_, expected = cases["C12"]["inputs"], cases["C12"]["expected"]
    door, before = GpuMetrics(store), None
    for second, kj in given_["samples_s_kj"]:
        message = METRICS.request()
        resource = message.resource_metrics.add()
        resource.resource.attributes.add(key="breakeven.pool", value=AnyValue(string_value="lab"))
        metrics = resource.scope_metrics.add().metrics
        at = int((START.timestamp() + second) * 1e9)
        values = {"hw.energy": kj * 1000.0, "hw.gpu.sample.interval": float(second - (before or 0))}
        for name, value in values.items():
            metric = metrics.add(name=name)
            points = metric.sum.data_points if name == "hw.energy" else metric.gauge.data_points
            points.add(
                as_double=value,
                time_unix_nano=at,
                attributes=[KeyValue(key="hw.id", value=AnyValue(string_value="GPU-1"))],
            )
        assert door.take(message, START + timedelta(days=1)) == []
        before = second
    rows = store.read("SELECT toUnixTimestamp(at), energy_mj / 1e6, dt_s, reset FROM gpu_samples FINAL ORDER BY at")[1][
        1:
    ]
    sampled = [row for row in rows if row[2] > 0]
    assert sum(row[1] for row in sampled) == expected["energy_kj_observed"]
    assert sum(row[1] for row in rows) == expected["energy_kj_total"]
    assert sum(row[2] for row in sampled) / 960 == expected["coverage_time"]
    assert [row[0] - int(START.timestamp()) for row in rows if row[3]] == [180]
    tick(store, pool_of(1), START + timedelta(hours=2))
    ((wh,),) = store.read("SELECT sum(energy_wh) FROM v_gpu_hourly")[1]
    assert wh * 3.6 == pytest.approx(expected["energy_kj_total"])


def pool_of(gpus, usd=4, deployments=(), **more):
    return Declared(
        rates=(GpuRate("lab", "rented", gpus, D(usd), START, END, START),), pools=(Pool("lab", gpus, **more),),
        deployments=deployments,
    )  # fmt: skip


def device(minute, gpu="GPU-1", pool="lab", gib=72.0, procs=1, util=0.0, power=115.0):
    mib = None if gib is None else round(gib * 1024)
    return GpuSample(
        START + (minute + 1) * MINUTE, "node", gpu, "", pool, 60.0, util, None, mib, power, None, 0, procs, "t"
    )


def looked(minute, deployment="chat", tokens=0, running=0.0):
    at = START + (minute + 1) * MINUTE
    return EngineSample(
        at, "node", deployment, deployment, "m", "lab", 60.0, 1, 0, 0, tokens, None, None, None, running, 0.0
    )


def served(name="chat", gpus=("GPU-1",), theta=2000.0, pool="lab"):
    return Deployment(
        name, "self_hosted", "own", f"model-{name}", pool, list(gpus), 1, 0.0, 0.0, 1 / theta, 0.0, "A", START
    )


def test_c14_where_the_money_of_a_day_goes(store, cases):
    """6 h at half load, 10 h loaded, 5 h empty, 3 h without telemetry: 12 + 12 + 40 + 20 + 12 = 96 USD."""
    case, minute = cases["C14"], 0
    devices, looks = [], []
    for part in case["inputs"]["hours_detail"]:
        for _ in range(60 * part["h"]):
            if part.get("telemetry") != "missing":
                loaded = part.get("model_loaded", True)
                devices.append(device(minute, gib=72.0 if loaded else 0.5, procs=int(loaded)))
                if loaded:
                    looks.append(looked(minute, tokens=60 * part["tok_s"]))
            minute += 1
    store.add(devices)
    store.add(looks)
    tick(store, pool_of(1, 4, (served(),)), START + timedelta(hours=24))
    rows, total = report.cost(store, by=["component"])
    expected = case["expected"]
    found = {row.group["component"].removeprefix("gpu_"): row.cost for row in rows}
    names = {"headroom": "headroom_in_serving_hours"}
    assert found == {
        n: D(expected[names.get(n, n)]) for n in ("used", "headroom", "warm_idle", "unallocated", "unknown")
    }
    assert total.cost == D(expected["total"])
    (idle,) = report.idle(store, START + timedelta(hours=24))
    assert idle.used_share == D(expected["used_share"])
    (row,), _ = report.cost(store, by=["side"])
    assert row.output == expected["tokens"]
    assert round(row.per_mtok, 6) == D(str(expected["usd_per_mtok_full_basis"]))
    assert round(report.cost(store, basis="usage")[1].per_mtok, 6) == D(str(expected["usd_per_mtok_used_basis"]))


def test_c18_used_money_over_requests_in_micro_dollars(cases):
    given_, expected = cases["C18"]["inputs"], cases["C18"]["expected"]
    weights = [r["uncached"] + r["cached"] / 20 + 5 * r["out"] for r in given_["requests"]]
    assert weights == expected["weights"]
    parts, left = allocate(given_["used_microusd"], weights)
    assert parts == expected["microusd"]
    assert (sum(parts), left, sum(parts) + given_["idle_microusd"]) == (expected["sum"], 0, expected["total"])


def test_c21_replicas_for_a_peak(cases):
    given_, expected = cases["C21"]["inputs"], cases["C21"]["expected"]
    theta, kappa = given_["theta_slo_tok_s"], float(given_["max_util"])
    on_mean = load.pool_size(given_["mean_tok_s"] / theta, kappa, 0)
    on_peak = load.pool_size(given_["peak_tok_s"] / theta, kappa, 0)
    spare = load.pool_size(given_["peak_tok_s"] / theta, kappa, given_["spare_replicas"])
    assert (on_mean, on_peak, spare) == tuple(expected[f"replicas_{n}"] for n in ("on_mean", "on_peak", "with_spare"))
    month = 720 * float(given_["usd_per_replica_hour"])
    assert (on_mean * month, spare * month) == (expected["month_usd_mean"], expected["month_usd_peak_spare"])
    assert given_["mean_tok_s"] / theta / spare == pytest.approx(expected["mean_utilisation_of_fleet"])


def test_c36_states_of_a_gpu_minute(store, cases):
    """One pool a row, an hour of the same minute: utilisation alone decides nothing."""
    case = cases["C36"]
    devices, looks, declared = [], [], []
    for n, row in enumerate(case["inputs"]["rows"]):
        declared.append(
            (f"p{n}", served(f"d{n}", (f"GPU-{n}",), case["inputs"]["theta_tok_s"], f"p{n}"), row.get("policy"))
        )
        for minute in range(60):
            if row["util"] is not None:
                devices.append(
                    device(
                        minute,
                        f"GPU-{n}",
                        f"p{n}",
                        row["mem_gib"],
                        row["procs"],
                        float(row["util"]),
                        float(row["power"]),
                    )
                )
            if row["running"] is not None:
                looks.append(looked(minute, f"d{n}", 60 * row["tokens"], float(row["running"])))
    store.add(devices)
    store.add(looks)
    tick(store, Declared(
        rates=tuple(GpuRate(pool, "rented", 1, D(1), START, END, START) for pool, _, _ in declared),
        pools=tuple(Pool(pool, 1, spare=policy == "spare") for pool, _, policy in declared),
        deployments=tuple(one for _, one, _ in declared),
    ), START + timedelta(hours=1))  # fmt: skip
    states = dict(store.read("SELECT pool, groupArray(state) FROM v_gpu_hourly GROUP BY pool")[1])
    money = dict(store.read("SELECT pool, groupUniqArray(component) FROM v_cost_hourly GROUP BY pool")[1])
    expected = case["expected"]
    found = [states[f"p{n}"] for n in range(len(expected))]
    assert found == [[state if state != "spare" else "warm_idle"] for state in expected]
    assert money["p8"] == ["gpu_spare"]


def test_c39_missing_hours_are_not_zero(cases):
    given_, expected = cases["C39"]["inputs"], cases["C39"]["expected"]
    hours = [hour for hour in given_["hours"] if hour["requests"] is not None]
    share = len(hours) / len(given_["hours"])
    cost, requests = sum(h["cost_api"] for h in hours), sum(h["requests"] for h in hours)
    assert (share, cost, requests) == (expected["coverage"], expected["cost_observed"], expected["requests_observed"])
    assert (cost / requests, cost / share) == (expected["cost_per_request"], expected["extrapolated_day_cost"])
    week = [100] * 168  # the same hours of the weeks before and after are busy
    series = [*week, *(h["requests"] or 0 for h in given_["hours"]), *week[24:], *week]
    assert coverage.missing(series) == {168 + 5, 168 + 6, 168 + 7}


minutes = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.integers(0, 150_000), st.booleans(), st.floats(0, 700)),
    min_size=60,
    max_size=60,
)


@settings(max_examples=7, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes)
def test_parts_are_the_bill_and_a_lost_witness_only_makes_unknown(store, told):
    """I1 and 6.4: the classes of any hour are its bill to the micro-dollar; without device samples, used and headroom stay
    as they are and what was idle or empty becomes unknown, never the other way round."""
    found = []
    for with_devices in (True, False):
        for table in ("gpu_samples", "engine_samples", "cost_hourly", "gpu_hourly", "usage_hourly", "source_state"):
            store.command(f"TRUNCATE TABLE {table}")
        if with_devices:
            store.add(
                [
                    device(n, power=watts, procs=int(loaded))
                    for n, (seen, _, _, loaded, watts) in enumerate(told)
                    if seen
                ]
            )
        store.add([looked(n, tokens=tokens) for n, (_, look, tokens, _, _) in enumerate(told) if look])
        tick(store, pool_of(1, 4, (served(),)), START + timedelta(hours=1))
        rows, total = report.cost(store, by=["component"])
        assert sum(row.cost for row in rows) == total.cost == D(4)
        found.append({row.group["component"]: row.cost for row in rows})
    whole, without = found
    for name in ("gpu_used", "gpu_headroom"):
        assert without.get(name, 0) == pytest.approx(whole.get(name, 0), abs=D("0.00001"))
    assert without.get("gpu_unknown", 0) >= whole.get("gpu_unknown", 0)
    for name in ("gpu_warm_idle", "gpu_unallocated", "gpu_other_use", "gpu_held_unknown"):
        assert without.get(name, 0) <= whole.get(name, 0) + D("0.00001")


def test_gv32_unused_capacity_is_what_the_share_leaves(store):
    """68 USD an hour, used share 4 %, a day: 1,566.72 USD of unused capacity."""
    store.add([looked(minute, tokens=round(60 * 2000 * 0.04), running=1.0) for minute in range(24 * 60)])
    tick(store, pool_of(1, 68, (served(),)), START + timedelta(hours=24))
    (idle,) = report.idle(store, START + timedelta(hours=24))
    assert (idle.cost, round(idle.idle_per_day, 2), round(idle.used_share, 6)) == (D(1632), D("1566.72"), D("0.04"))


def test_gv33_a_frozen_device_counter_hides_no_work(store):
    """The device says 99 % for hours while requests are counted: serving; and 0 % while they are counted too."""
    for util in (99.0, 0.0):
        store.add([device(n, util=util) for n in range(60)])
        store.add([looked(n, tokens=60_000, running=2.0) for n in range(60)])
        tick(store, pool_of(1, 4, (served(),)), START + timedelta(hours=1))
        assert store.read("SELECT DISTINCT state FROM v_gpu_hourly")[1] == [("serving",)]


def test_gv34_a_node_that_makes_nothing_costs_and_has_no_unit_rate(store):
    tick(store, pool_of(1, 2), START + timedelta(hours=1))
    total = report.cost(store)[1]
    assert (total.cost, total.per_mtok, total.per_request) == (D(2), None, None)
