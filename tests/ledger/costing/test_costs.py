"""Effective cost from facts to report, on the real engine; cases C01 C03 C04 C08 C09 C16."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import NOW, request

from ledger.costing import report
from ledger.costing.declared import Declared, Pool
from ledger.costing.tick import tick
from ledger.errors import ConfigError
from ledger.prices.book import BEGIN, END, Override
from ledger.prices.register import PriceRegister
from ledger.records import Deployment, GpuRate, GpuSample, Overhead

HOUR = timedelta(hours=1)
DAY = datetime(2026, 11, 24, tzinfo=UTC)
NONE = Declared()


def priced(store, *overrides):
    prices = PriceRegister(store, overrides)
    prices.resolve([(o.provider, o.model, o.variant, "") for o in overrides], NOW)


def rate(provider="openai", model="m", **more):
    return Override(provider, model, **{k: Decimal(v) for k, v in more.items()})


def total(store, **more):
    return report.cost(store, **more)[1]


def test_c01_article_formula(store, cases):
    case = cases["C01"]
    given_ = case["inputs"]
    priced(store, rate(input=given_["usd_per_mtok_in"], output=given_["usd_per_mtok_out"]))
    store.add([request(DAY, 1, model="m", input_fresh=given_["input_tokens"], output=given_["output_tokens"])])
    tick(store, NONE, NOW)
    rows, all_ = report.cost(store, by=["component"])
    parts = {row.group["component"]: row.cost for row in rows}
    expected = {k: Decimal(v) for k, v in case["expected"].items()}
    assert parts == {"input_fresh": expected["input_cost"], "output": expected["output_cost"]}
    assert all_.cost == expected["total"]
    assert total(store).per_mtok == expected["blended_usd_per_mtok"]


def test_c03_cached_tokens_in_both_shapes(store, cases):
    """Subset and disjoint usage objects through the extractors, priced at the door."""
    from ledger.prices.usage import classes

    given_, expected = cases["C03"]["inputs"], cases["C03"]["expected"]
    o, a = given_["openai"], given_["anthropic"]
    priced(
        store,
        rate(**{k: o["prices"][k] for k in ("input", "cache_read", "output")}),
        rate("anthropic", "m", input=a["prices"]["input"], cache_read=a["prices"]["cache_read"], output=a["prices"]["output"],
             cache_write=a["prices"]["cache_write_5m"], cache_write_long=a["prices"]["cache_write_1h"]),
    )  # fmt: skip
    chat = {
        "model": "m",
        "usage": {
            "prompt_tokens": o["prompt"],
            "completion_tokens": o["out"],
            "prompt_tokens_details": {"cached_tokens": o["cached"]},
        },
    }
    message = {"model": "m", "usage": {
        "input_tokens": a["input"], "cache_read_input_tokens": a["cache_read"], "output_tokens": a["out"],
        "cache_creation_input_tokens": a["cache_write_5m"] + a["cache_write_1h"],
        "cache_creation": {"ephemeral_5m_input_tokens": a["cache_write_5m"], "ephemeral_1h_input_tokens": a["cache_write_1h"]}}}  # fmt: skip
    store.add([
        request(DAY, 1, model="m", **classes(chat, "openai", "chat")),
        request(DAY, 2, provider="anthropic", model="m", **classes(message, "anthropic", "default")),
    ])  # fmt: skip
    found = {
        p: (cost, total_in, read / total_in)
        for p, cost, total_in, read in store.read("SELECT provider, cost, total_input, cache_read FROM v_requests")[1]
    }
    assert found["openai"][0] == Decimal(expected["openai"]) != Decimal(expected["openai_wrong_if_added"])
    assert found["anthropic"][0] == Decimal(expected["anthropic"])
    assert found["anthropic"][1] == expected["anthropic_total_input_tokens"]
    assert round(found["openai"][2], 6) == float(expected["openai_cache_hit_share"])
    assert round(found["anthropic"][2], 6) == float(expected["anthropic_cache_hit_share"])


def test_c04_failures_are_billed_and_counted_once(store, cases):
    case = cases["C04"]
    expected = case["expected"]
    priced(store, rate(input=case["inputs"]["usd_per_mtok_in"], output=case["inputs"]["usd_per_mtok_out"]))
    words = {"timeout": 408, "cancelled": 499}
    store.add([
        request(DAY + timedelta(seconds=n), n, model="m", request_key=a["logical"], attempt=n + 1,
                status=words.get(a["status"], a["status"]), input_fresh=a["i"], output=a["o"])
        for n, a in enumerate(case["inputs"]["attempts"])
    ])  # fmt: skip
    tick(store, NONE, NOW)
    row = report.cost(store, by=["workload"])[0][0]
    waste = {r.group["component"]: r.cost for r in report.cost(store, by=["component"])[0]}["retries_failed"]
    assert row.attempts == expected["attempts"]
    assert (row.requests, row.successful_requests) == (expected["logical_requests"], expected["successful_logical"])
    assert row.cost == Decimal(expected["metered_total"])
    assert waste == Decimal(expected["waste_cost"])
    assert row.cost - waste == Decimal(expected["useful_cost"])
    assert round(waste / row.cost, 6) == Decimal(expected["waste_share"])
    assert round(row.per_request, 10) == Decimal(expected["cost_per_success"])


def test_a_retry_over_the_hour_is_one_request(store):
    """First attempt at 10:59:58, success at 11:00:03: one logical request, one success, in both hours together."""
    priced(store, rate(input=1, output=1))
    edge = DAY + 11 * HOUR
    store.add([
        request(edge - timedelta(seconds=2), "a1", model="m", request_key="a", status=408, input_fresh=10),
        request(edge + timedelta(seconds=3), "a2", model="m", request_key="a", attempt=2, input_fresh=10),
    ])  # fmt: skip
    tick(store, NONE, NOW)
    found = total(store)
    assert (found.requests, found.successful_requests, found.attempts) == (1, 1, 2)


def pool(gpus=2, price="4.00", since=DAY, deployments=()):
    return Declared(
        rates=(GpuRate("lab", "rented", gpus, Decimal(price), since, END, BEGIN),),
        pools=(Pool("lab", gpus),),
        deployments=tuple(deployments),
    )


def own(name="own", model="llama", gpus=(), seconds=1e-3, output=1e-2, grade="A"):
    return Deployment(name, "self_hosted", "own", model, "lab", list(gpus), 1, seconds, 0.0, output, 0.0, grade, BEGIN)


def samples(start, hours, gpu, **more):
    given_ = {"util": 0.0, "mem_mib": 100, "power_w": 60.0, "processes": 0, **more}
    return [
        GpuSample(at=start + timedelta(minutes=m + 1), node="n", gpu=gpu, pool="lab", dt_s=60.0, **given_)
        for m in range(hours * 60)
    ]


def test_c08_no_traffic_costs_money_and_has_no_unit_cost(store, cases):
    case = cases["C08"]
    expected = case["expected"]
    for gpu in ("g1", "g2"):
        store.add(samples(DAY, 24, gpu))
    tick(store, pool(case["inputs"]["gpus"], case["inputs"]["gpu_usd_per_hour"]), DAY + 24 * HOUR)
    found = {r.side: r for r in report.rolling(store, DAY + 24 * HOUR, [24])}
    idle = report.idle(store, DAY + 24 * HOUR, 24)[0]
    assert found["self_hosted"].allocation == Decimal(expected["self_total"])
    assert idle.cost - idle.classes.get("gpu_used", 0) == Decimal(expected["self_idle"])
    assert idle.idle_per_day == Decimal(expected["self_idle"])
    assert found["self_hosted"].usage == Decimal(expected["self_used"])
    assert found["self_hosted"].per_request is expected["self_per_request"]
    assert found["self_hosted"].per_mtok is expected["self_per_mtok"]
    assert found["api"].allocation == Decimal(expected["api_total"])
    assert found["api"].per_request is expected["api_per_request"]


def test_c09_a_rolling_unit_cost_is_a_ratio_of_sums(store, cases):
    """Hours with 10, 0, 990 and 1,000 requests that cost 1.00, 0, 9.90 and 12.00 together."""
    hours = cases["C09"]["inputs"]["hours"]
    overrides = []
    rows = []
    for n, hour in enumerate(hours):
        if not hour["requests"]:
            continue
        model = f"m{n}"
        overrides.append(rate(model=model, input=Decimal(hour["cost"]) / hour["requests"] * 1_000_000 / 1000, output=0))
        rows += [
            request(DAY + n * HOUR + timedelta(seconds=i), f"{n}-{i}", model=model, input_fresh=1000)
            for i in range(hour["requests"])
        ]
    priced(store, *overrides)
    store.add(rows)
    end = DAY + len(hours) * HOUR
    tick(store, NONE, end)
    found = next(r for r in report.rolling(store, end, [4]) if r.side == "api")
    assert round(found.per_request, 12) == Decimal(cases["C09"]["expected"]["per_request"])
    assert round(found.per_request, 10) != Decimal(cases["C09"]["expected"]["wrong_mean_of_ratios"])


def test_c16_usage_and_allocation_basis(store, cases):
    """One GPU a quarter used: usage 1.00, allocation 4.00 USD/Mtok, utilisation 0.25; the API at 2.00 is cheaper."""
    from ledger.verdict.breakeven import cost_only, needed_share, utilisation

    given_, expected = cases["C16"]["inputs"], cases["C16"]["expected"]
    usage, allocation, api = (float(given_[f"{k}_usd_per_mtok"]) for k in ("usage", "allocation", "api"))
    store.add(samples(DAY, 1, "g1", mem_mib=50_000, processes=1))
    # an hour at 4 USD; 1 Mtok whose work fills 900 of its 3,600 s
    store.add([
        request(DAY + timedelta(minutes=m, seconds=1), m, side="self_hosted", provider="own", model="llama",
                input_fresh=15_000, output=1_666 + (m % 3 > 0), latency_ms=1000)
        for m in range(60)
    ])  # fmt: skip
    deployment = own(seconds=15 / 15_000, output=0.0)
    tick(store, pool(1, "4.00", deployments=[deployment]), DAY + HOUR)
    found = next(r for r in report.rolling(store, DAY + HOUR, [1]) if r.side == "self_hosted")
    assert found.tokens == 1_000_000
    assert (found.usage_per_mtok, found.per_mtok) == (
        Decimal(given_["usage_usd_per_mtok"]),
        Decimal(given_["allocation_usd_per_mtok"]),
    )
    assert utilisation(usage, allocation) == float(expected["utilisation"])
    assert needed_share(usage, api) == float(expected["breakeven_utilisation"])
    assert cost_only(api, allocation, allocation) == expected["verdict_now"]


def test_the_parts_of_a_pool_add_up_to_its_bill(store):
    """Serving, waiting, empty, unseen and silent GPUs of one pool, an odd price: every hour is the bill exactly."""
    deployment = own(gpus=["g1"])
    for gpu, more in (
        ("g1", {"mem_mib": 60_000, "processes": 1, "power_w": 300.0}),
        ("g2", {}),
        ("g3", {"mem_mib": 60_000, "processes": None, "power_w": None, "util": None}),
    ):
        store.add(samples(DAY, 3, gpu, **more))
    store.add([
        request(DAY + timedelta(minutes=11 * m), m, side="self_hosted", provider="own", model="llama", input_fresh=7001, output=313, latency_ms=61_000)
        for m in range(10)
    ])  # fmt: skip
    tick(store, pool(4, "2.690001", deployments=[deployment]), DAY + 4 * HOUR)
    for row in store.read(
        "SELECT hour, sum(usd), min(usd) FROM v_cost_hourly WHERE side = 'self_hosted' GROUP BY hour ORDER BY hour"
    )[1]:
        assert row[1] == Decimal("10.760004")
        assert row[2] > 0
    states = dict(store.read("SELECT state, sum(seconds) FROM v_gpu_hourly GROUP BY state")[1])
    assert sum(states.values()) == pytest.approx(4 * 4 * 3600)
    assert states["unallocated"] == pytest.approx(3 * 3600)
    assert states["held_unknown"] == pytest.approx(3 * 3600)
    used = total(store, by=["workload"], basis="usage")
    assert 0 < used.cost < total(store).cost


def test_telemetry_that_is_gone_is_unknown_not_idle(store):
    """I15: taking samples away moves money to unknown and makes no idle finding."""
    store.add(samples(DAY, 1, "g1") + samples(DAY + 2 * HOUR, 1, "g1"))
    tick(store, pool(1), DAY + 3 * HOUR)
    parts = dict(store.read("SELECT component, sum(usd) FROM v_cost_hourly GROUP BY component")[1])
    assert parts == {"gpu_unallocated": Decimal(8), "gpu_unknown": Decimal(4)}


def test_requests_that_are_not_logged_do_not_make_a_busy_gpu_idle(store):
    """K1: a GPU at 500 W without a logged request is busy with something, not idle; K7: it is not used either."""
    store.add(samples(DAY, 2, "g1", mem_mib=60_000, processes=2, power_w=500.0, util=99.0))
    store.add(
        [request(DAY + k * HOUR, k, side="self_hosted", provider="own", model="llama", input_fresh=10) for k in (0, 1)]
    )
    tick(store, pool(1, deployments=[own(gpus=["g1"])]), DAY + 2 * HOUR)
    parts = dict(store.read("SELECT component, sum(usd) FROM v_cost_hourly GROUP BY component")[1])
    assert set(parts) == {"gpu_used", "gpu_headroom", "gpu_other_use"}
    assert sum(parts.values()) == 8


def test_an_overhead_of_a_month_is_spread_over_it(store):
    """720 USD in November: 1 USD an hour, in money of no workload; a share follows the money of its side."""
    overheads = (
        Overhead("ops", "self_hosted", "", "usd_per_month", Decimal(720), BEGIN, END, BEGIN),
        Overhead("gateway", "api", "", "share", Decimal("0.10"), BEGIN, END, BEGIN),
    )
    priced(store, rate(input=1, output=1))
    store.add([request(DAY + HOUR, 1, model="m", input_fresh=1_000_000)])
    store.add(samples(DAY, 3, "g1"))
    declared = Declared(overheads=overheads, rates=pool(1).rates, pools=pool(1).pools)
    tick(store, declared, DAY + 3 * HOUR)
    found = dict(
        store.read("SELECT provider, sum(usd) FROM v_cost_hourly WHERE component = 'overhead' GROUP BY provider")[1]
    )
    assert found == {"ops": Decimal(3), "gateway": Decimal("0.1")}


SNAPSHOT = [
    "SELECT * EXCEPT ver FROM usage_hourly FINAL WHERE attempts != 0 ORDER BY ALL",
    "SELECT * EXCEPT ver FROM work_10s FINAL WHERE n != 0 ORDER BY ALL",
    "SELECT hour, side, provider, model, deployment, pool, workload, component, basis, usd FROM v_cost_hourly ORDER BY ALL",
    "SELECT hour, pool, gpu, state, seconds, used_s, usd FROM v_gpu_hourly ORDER BY ALL",
]


def snapshot(store):
    return [store._client.query(sql).result_rows for sql in SNAPSHOT]


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(range(16)),
    ticks=st.sets(st.integers(0, 15), max_size=4),
    again=st.sets(st.integers(0, 15), max_size=5),
)
def test_any_order_any_repeat_any_lateness_ends_as_a_rebuild(store, order, ticks, again):
    """I4, I5, I6: rows arrive in any order, some twice, ticks fall anywhere between; the end equals one tick over all."""
    declared = pool(1, deployments=[own(gpus=["g1"])])
    made = [
        request(DAY + n * 17 * timedelta(minutes=1), n, side=("api", "self_hosted")[n % 2], provider=("openai", "own")[n % 2],
                model=("gpt-4o-mini", "llama")[n % 2], input_fresh=1000 + n, output=n, request_key=f"r{n // 4}",
                status=(200, 200, 408, 200)[n % 4], latency_ms=1000 * n)
        for n in range(16)
    ]  # fmt: skip

    def empty():
        for table in ("requests", "usage_hourly", "cost_hourly", "gpu_hourly", "work_10s", "source_state"):
            store.command(f"TRUNCATE TABLE {table}")

    PriceRegister(store).resolve([("openai", "gpt-4o-mini", "standard", "")], NOW)
    store.add(samples(DAY, 5, "g1", mem_mib=50_000, processes=1))
    empty()
    for position, index in enumerate(order):
        store.add([made[index]])
        if index in again:
            store.add([made[index]])
        if position in ticks:
            tick(store, declared, DAY + 4 * HOUR)
    tick(store, declared, DAY + 5 * HOUR)
    incremental = snapshot(store)
    empty()
    store.add(made)
    tick(store, declared, DAY + 5 * HOUR)
    assert snapshot(store) == incremental


def test_a_tick_touches_only_hours_whose_facts_changed(store):
    priced(store, rate(input=1, output=1))
    store.add([request(DAY + n * HOUR, n, model="m", input_fresh=10) for n in range(10)])
    assert tick(store, NONE, NOW).request_hours == 11
    assert tick(store, NONE, NOW).request_hours == 0
    store.add([request(DAY + 3 * HOUR + timedelta(minutes=9), "late", model="m", input_fresh=10)])
    before = dict(store._client.query("SELECT hour, max(ver) FROM usage_hourly GROUP BY hour").result_rows)
    assert tick(store, NONE, NOW).request_hours == 2
    after = dict(store._client.query("SELECT hour, max(ver) FROM usage_hourly GROUP BY hour").result_rows)
    assert {h for h in after if after[h] != before[h]} == {DAY + 3 * HOUR, DAY + 4 * HOUR}


def test_an_estimate_moved_to_another_workload_leaves_nothing_behind(store):
    """A later delivery of the same event with another workload empties the old key, to the last request."""
    priced(store, rate(input=1, output=1))
    store.add([request(DAY, 1, model="m", input_fresh=10, workload="old")])
    tick(store, NONE, NOW)
    store.add([request(DAY, 1, model="m", input_fresh=10, workload="new")])
    tick(store, NONE, NOW)
    rows, all_ = report.cost(store, by=["workload"])
    assert [row.group["workload"] for row in rows] == ["new"]
    assert all_.requests == 1


@pytest.mark.parametrize("bucket", ["hour", "day"])
def test_buckets_add_to_the_range(store, bucket):
    """I3, in UTC: the sum over buckets is the range; adjacent ranges share no request."""
    priced(store, rate(input=3, output=7))
    store.add(
        [
            request(DAY - 30 * HOUR + n * timedelta(minutes=37), n, model="m", input_fresh=n, output=n)
            for n in range(120)
        ]
    )
    tick(store, NONE, NOW)
    rows, all_ = report.cost(store, by=["workload"], bucket=bucket)
    assert sum(row.cost for row in rows) == all_.cost == total(store).cost
    cut = DAY
    assert total(store, until=cut).cost + total(store, since=cut).cost == all_.cost
    assert total(store, until=cut).requests + total(store, since=cut).requests == 120


def test_nothing_but_unknown_is_not_a_cost_of_zero(store, prices):
    prices.resolve([("openai", "nobody", "standard", "")], NOW)
    store.add([request(DAY, 1, model="nobody", input_fresh=7), request(DAY, 2, model="nobody", usage_source="absent")])
    tick(store, NONE, NOW)
    (row,), all_ = report.cost(store, by=["model"])
    assert (row.cost, row.per_request, row.unpriced_tokens, row.no_usage) == (None, None, 7, 1)
    assert row.json()["cost"] is None
    assert all_.cost is None


def test_an_empty_ledger_has_no_rows(store):
    tick(store, NONE, NOW)
    rows, all_ = report.cost(store)
    assert rows == []
    assert (all_.cost, all_.per_request) == (0, None)


@pytest.mark.parametrize(("option", "value"), [("by", ["colour"]), ("bucket", "week"), ("basis", "vibes")])
def test_unknown_words_name_the_known_ones(store, option, value):
    with pytest.raises(ConfigError, match="not one of"):
        report.cost(store, **{option: value})
