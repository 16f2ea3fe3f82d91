"""Parts of GPUs: MIG instances, shared GPUs, pods, nodes that come and go; each hour is its bill, by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from breakeven.config import parse
from ledger.costing import report
from ledger.costing.allocation import part_of_node
from ledger.costing.declared import Declared, Pool
from ledger.costing.pools import unpriced
from ledger.costing.tick import tick
from ledger.records import Deployment, EngineSample, GpuRate, GpuSample

D = Decimal
START = datetime(2026, 11, 10, tzinfo=UTC)
END = datetime(2100, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR_END = START + 60 * MINUTE


def pool_of(gpus, deployments=(), usd=7, **more):
    rate = GpuRate("lab", "rented", gpus, D(usd), START, END, START, others_share=more.pop("others_share", 0.0))
    return Declared(rates=(rate,), pools=(Pool("lab", gpus, **more),), deployments=deployments)


def own(name, gpus=(), theta=1000.0, **more):
    return Deployment(
        name, "self_hosted", "own", f"model-{name}", "lab", list(gpus), 1, 0.0, 0.0, 1 / theta, 0.0, "A", START, **more
    )


def hour(gpu, slice_="", minutes=60, first=0, **more):
    given = {
        "mem_mib": 20_000,
        "processes": 1,
        "power_w": None,
        "pool": "lab",
        "node": "n1",
        "dt_s": 60.0,
        "source": "t",
    }
    return [
        GpuSample(START + (minute + 1) * MINUTE, gpu=gpu, slice=slice_, **{**given, **more})
        for minute in range(first, first + minutes)
    ]


def served(name, tokens_s):
    return [
        EngineSample(START + (minute + 1) * MINUTE, "n1", name, name, "m", "lab", 60.0, 1, 0, 0, 60 * tokens_s, running=1.0)
        for minute in range(60)
    ]  # fmt: skip


def seconds(store):
    sql = "SELECT gpu, slice, deployment, state, round(sum(seconds)) FROM v_gpu_hourly GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
    return {row[:4]: row[4] for row in store.read(sql)[1]}


def components(store):
    return {row.group["component"]: row.cost for row in report.cost(store, by=["component"])[0]}


INSTANCES = [("MIG-a", 3 / 7), ("MIG-b", 2 / 7), ("MIG-c", 1 / 7)]


def cut(**more):
    return [sample for name, share in INSTANCES for sample in hour("GPU-1", name, share=share, **more)]


def test_instances_carry_their_part_of_the_gpu(store):
    """7 USD an hour: MIG-a (3/7) serves at half its capacity, MIG-b has nobody's process for half an hour, 1/7 is not cut."""
    empty = hour("GPU-1", "MIG-b", 30, 30, share=2 / 7, mem_mib=10, processes=0)
    rows = [s for s in cut() if s.slice != "MIG-b"] + hour("GPU-1", "MIG-b", 30, share=2 / 7) + empty
    store.add([*rows, *hour("GPU-1", power_w=400.0, energy_mj=24_000_000, mem_mib=60_000)])
    store.add(served("chat", 500))
    tick(store, pool_of(1, (own("chat", ["MIG-a"]), own("embed", ["MIG-b"]), own("rest"))), HOUR_END)
    assert seconds(store) == {
        ("GPU-1", "", "", "unallocated"): round(3600 / 7),
        ("GPU-1", "MIG-a", "chat", "serving"): round(3600 * 3 / 7),
        ("GPU-1", "MIG-b", "embed", "unallocated"): round(3600 / 7),
        ("GPU-1", "MIG-b", "embed", "warm_idle"): round(3600 / 7),
        ("GPU-1", "MIG-c", "rest", "warm_idle"): round(3600 / 7),
    }
    found = components(store)
    assert {name: round(usd, 5) for name, usd in found.items()} == {
        "gpu_used": D("1.5"), "gpu_headroom": D("1.5"), "gpu_warm_idle": D(2), "gpu_unallocated": D(2),
    }  # fmt: skip
    assert sum(found.values()) == 7
    assert round(store.read("SELECT sum(energy_wh) FROM v_gpu_hourly")[1][0][0]) == 400  # the GPU's, once


def test_an_instance_that_says_nothing_is_unknown_for_its_part(store):
    """MIG-a is read for a quarter of the hour, the others for all of it."""
    rows = [s for s in cut() if s.slice != "MIG-a"] + hour("GPU-1", "MIG-a", 15, share=3 / 7)
    store.add([*rows, *hour("GPU-1")])
    tick(store, pool_of(1), HOUR_END)
    assert seconds(store)["GPU-1", "MIG-a", "", "unknown"] == round(3600 * 3 / 7 * 0.75)
    assert sum(components(store).values()) == 7
    assert sum(store.read("SELECT seconds FROM v_gpu_hourly")[1][n][0] for n in range(5)) == pytest.approx(3600)


def test_a_gpu_that_is_cut_anew_within_the_hour_costs_once(store):
    """Whole for twenty minutes, then two halves, then seven sevenths: never more than the GPU."""
    halves = [s for n in "xy" for s in hour("GPU-1", f"MIG-{n}", 20, 20, share=0.5)]
    sevenths = [s for n in range(7) for s in hour("GPU-1", f"MIG-{n}", 20, 40, share=1 / 7)]
    store.add([*hour("GPU-1", minutes=20), *halves, *sevenths])
    tick(store, pool_of(1), HOUR_END)
    assert sum(components(store).values()) == 7
    assert sum(seconds(store).values()) == pytest.approx(3600, abs=10)
    assert seconds(store)["GPU-1", "", "", "held_unknown"] == 1200  # the whole GPU's time
    assert not any(state == "unknown" for *_, state in seconds(store))


def test_a_gpu_that_is_cut_later_was_whole_before(store):
    """Whole in the first hour, two thirds of it cut in the second: both are told as they were, in one recompute."""
    later = [replace(s, at=s.at + timedelta(hours=1)) for s in cut()]
    store.add([*hour("GPU-1", power_w=300.0), *later])
    tick(store, pool_of(1), START + timedelta(hours=2))
    rows = store.read(
        "SELECT hour, slice, state, round(sum(seconds)) FROM v_gpu_hourly GROUP BY 1, 2, 3 ORDER BY 1, 2"
    )[1]
    assert [row[1:] for row in rows if row[0] == START] == [("", "busy_other", 3600)]
    assert {row[1] for row in rows if row[0] > START} == {"", "MIG-a", "MIG-b", "MIG-c"}
    assert sum(row[3] for row in rows if row[0] > START) == pytest.approx(3600, abs=3)


def test_deployments_that_share_a_gpu(store):
    """A quarter and a half are declared: a quarter of the GPU is left over. HAMi#3073: four quarters are one GPU."""
    store.add(hour("GPU-1", power_w=300.0))
    store.add([*served("a", 500), *served("b", 500)])
    shared = (own("a", ["GPU-1"], gpu_share=0.25), own("b", ["GPU-1"], gpu_share=0.5))
    tick(store, pool_of(1, shared, usd=4), HOUR_END)
    assert seconds(store) == {
        ("GPU-1", "", "", "unallocated"): 900,
        ("GPU-1", "", "a", "serving"): 900,
        ("GPU-1", "", "b", "serving"): 1800,
    }
    assert {k: v for k, v in components(store).items()} == {
        "gpu_used": D("1.5"), "gpu_headroom": D("1.5"), "gpu_unallocated": D(1),
    }  # fmt: skip
    tick(store, pool_of(1, tuple(own(n, ["GPU-1"], gpu_share=0.25) for n in "abcd"), usd=4), HOUR_END)
    assert set(seconds(store).values()) == {900}
    assert len(seconds(store)) == 4
    tick(store, pool_of(1, tuple(own(n, ["GPU-1"]) for n in "abcd"), usd=4), HOUR_END)
    assert list(seconds(store).values()) == [900] * 4


def test_pods_bind_gpus_to_deployments_minute_by_minute(store):
    """GPU-1 is held by chat for forty minutes, then by batch; GPU-2 by both and a pod that nobody declared."""
    store.add([
        *hour("GPU-1", minutes=40, pods="prod/chat-7f"), *hour("GPU-1", minutes=20, first=40, pods="prod/batch-1"),
        *hour("GPU-2", pods="dev/other,prod/batch-2,prod/chat-8a"),
    ])  # fmt: skip
    store.add([*served("chat", 100), *served("batch", 100)])
    tick(store, pool_of(2, (own("chat", pods=["prod/chat-*"]), own("batch", pods=["prod/batch-*"]))), HOUR_END)
    found = seconds(store)
    by = {name: sum(s for key, s in found.items() if key[2] == name) for name in ("chat", "batch", "")}
    assert by == {"chat": 2400 + 1200, "batch": 1200 + 1200, "": 1200}
    assert sum(components(store).values()) == 14


def test_a_pool_without_a_number_costs_for_the_gpus_that_are_there(store):
    """Two GPUs in the first hour, one in the second, none in the third; hosts by pattern, another host is not priced."""
    store.add([*hour("GPU-1", node="gpu-a1", pool=""), *hour("GPU-2", node="gpu-a2", pool="")])
    store.add([*hour("GPU-9", node="rig", pool="")])
    store.add([replace(s, at=s.at + timedelta(hours=1)) for s in hour("GPU-1", node="gpu-a1", pool="")])
    given = pool_of(0, usd=2, nodes=("gpu-*",))
    tick(store, given, START + timedelta(hours=3))
    rows = store.read("SELECT hour, sum(usd) FROM v_cost_hourly GROUP BY hour ORDER BY hour")[1]
    assert [usd for _, usd in rows] == [4, 2]
    assert unpriced(store, given, HOUR_END) == [("rig", "GPU-9")]


def test_node_weights_of_tenants_without_a_gpu(store):
    """Economics 5.1: 8 GPUs, 192 vCPU, 2,048 GiB are 449.6 units; 64 vCPU and 512 GiB of others are 108.8 of them."""
    weights = {"gpu": 9.0, "vcpu": 0.9, "gib": 0.1}
    whole = {"gpu": 8.0, "vcpu": 192.0, "gib": 2048.0}
    others = part_of_node({"vcpu": 64.0, "gib": 512.0}, whole, weights)
    rest = part_of_node({"gpu": 8.0, "vcpu": 128.0, "gib": 1536.0}, whole, weights)
    assert others == pytest.approx(108.8 / 449.6)
    assert others + rest == pytest.approx(1)
    assert part_of_node({"vcpu": 1.0}, {}, weights) == 0
    config = parse({"pools": {"lab": {
        "gpus": 8, "usd_per_gpu_hour": 4, "since": START,
        "node": {"vcpus": 192, "mem_gib": 2048, "other_vcpus": 64, "other_mem_gib": 512},
    }}})  # fmt: skip
    tick(store, config.declared(), HOUR_END)
    found = components(store)
    assert sum(found.values()) == 32
    assert found["node_others"] == round(D(32) * D("108.8") / D("449.6"), 6)


def test_power_by_the_hour_of_the_week(store):
    """0.20 USD, 0.40 on weekdays from 7 to 20 in Berlin: 06:00 UTC on a Tuesday is 07:00 there. 1 kW with PUE 1.25."""
    config = parse({"pools": {"lab": {"gpus": 1, "since": START, "owned": {
        "purchase_usd": 0, "tariff_usd_per_kwh": 0.20, "pue": 1.25, "gpu_w": 1000, "tariff_zone": "Europe/Berlin",
        "tariff": [{"usd_per_kwh": 0.40, "from_hour": 7, "to_hour": 20, "days": ["mon", "tue", "wed", "thu", "fri"]}],
    }}}})  # fmt: skip
    assert START.weekday() == 1
    tick(store, config.declared(), START + timedelta(days=1))
    rows = store.read("SELECT toHour(hour), sum(usd) FROM v_cost_hourly GROUP BY 1 ORDER BY 1")[1]
    assert {h: usd for h, usd in rows} == {h: D("0.5") if 6 <= h < 19 else D("0.25") for h in range(24)}
    (rate,) = config.declared().rates
    assert rate.planned == pytest.approx(D("0.25") + D("0.25") * 65 / 168)
