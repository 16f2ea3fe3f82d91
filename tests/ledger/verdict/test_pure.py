"""Break-even, hybrid optimum, load, payback, coverage: cases C22 C29 C31 C43 and brute force."""

import csv
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.verdict import coverage
from ledger.verdict.breakeven import cost_only, displaced, needed_share, volumes
from ledger.verdict.hybrid import marginal, optimum, steps
from ledger.verdict.load import Capacity, Load, ceiling, coarser, load_series, pool_size
from ledger.verdict.payback import constant

loads = st.lists(st.floats(0, 6), min_size=1, max_size=60)


def test_c22_one_interval_and_its_tie(cases):
    given_, expected = cases["C22"]["inputs"], cases["C22"]["expected"]
    found = volumes(
        given_["tokens_per_replica_month"], given_["api_usd_per_mtok"], given_["usd_per_replica_month"],
        given_["ops_usd_month"], given_["max_replicas"],
    )  # fmt: skip
    assert found.first == expected["first_breakeven_tokens"]
    assert [list(i) for i in found.intervals] == expected["self_strictly_cheaper_open_intervals"]
    assert list(found.ties) == expected["exact_ties"]


@given(
    cap=st.integers(1, 50),
    price=st.integers(1, 40),
    replica=st.integers(1, 2000),
    fixed=st.integers(0, 2000),
    n=st.integers(1, 5),
)
def test_intervals_agree_with_brute_force(cap, price, replica, fixed, n):
    """Invariant 10: at every volume, owning is cheaper exactly inside the intervals."""
    found = volumes(cap * 1e6, price, replica, fixed, n)
    for volume in [v / 2 for v in range(1, 2 * cap * n + 1)]:
        needed = -(-volume // cap)
        cheaper = any(k >= needed and k * replica + fixed < price * volume for k in range(1, n + 1))
        inside = any(low < volume * 1e6 < high for low, high in found.intervals)
        edge = any(volume * 1e6 in interval for interval in found.intervals)
        assert inside == cheaper or edge


def test_never_on_this_box():
    """RightNow-AI example: 755 M tokens a month at most, 0.28 USD/Mtok: no volume pays; at 12 USD/Mtok from 155 M on."""
    ceiling_ = 971 * 3600 * 720 * 0.3
    assert volumes(ceiling_, 0.28, 2.59 * 720, 0, 1).first is None
    assert volumes(ceiling_, 12, 2.59 * 720, 0, 1).first == pytest.approx(155.4e6, rel=1e-3)


def test_c29_no_saving_no_payback(cases):
    given_, expected = cases["C29"]["inputs"], cases["C29"]["expected"]
    found = constant(given_["api_month"], given_["self_month"], given_["switch_one_off"])
    assert (found.months, found.reason) == (expected["payback_months"], expected["reason"])
    assert constant(2000, 1500, 1000).months == 2


def test_c31_the_next_replica_pays_while_it_is_used_enough(cases):
    given_, expected = cases["C31"]["inputs"], cases["C31"]["expected"]
    load = given_["load_in_replica_units"]
    found = steps(Load.of(load), 3)
    assert [round(s.own, 6) for s in found if s.n] == expected["util_of_nth"]
    mean = sum(load) / len(load)
    for needed, best, costs in zip(
        given_["breakeven_utilisation"], expected["best_n"], expected["cost_per_replica_hour_units"], strict=True
    ):
        chosen = optimum(found, mean, 1.0, 1 / needed)
        assert chosen.n == best == marginal(found, needed)
        assert [round(c, 6) for c in chosen.costs] == costs


@given(loads, st.floats(0.02, 1.5))
def test_enumeration_and_the_marginal_rule_agree(load, needed):
    """Invariants 8 and 9."""
    found = steps(Load.of(load))
    mean = sum(load) / len(load)
    chosen = optimum(found, mean, 1.0, 1 / needed)
    own = [s.own for s in found if s.own is not None]
    if all(abs(u - needed) > 1e-9 for u in own):
        assert chosen.n == marginal(found, needed)
    assert chosen.all_api == pytest.approx(mean / needed)
    assert found[-1].overflow == 0
    assert own == pytest.approx(sorted(own, reverse=True), abs=1e-12)


@given(loads, st.floats(0.1, 5), st.floats(0.1, 20), st.floats(1.01, 3))
def test_dearer_gpus_never_buy_a_replica_and_dearer_apis_never_sell_one(load, gpu, api, factor):
    """I27: raising only GPU cost never moves towards self-hosting, raising only API prices never towards the API."""
    found, mean = steps(Load.of(load)), sum(load) / len(load)
    now = optimum(found, mean, gpu, api).n
    assert optimum(found, mean, gpu * factor, api).n <= now
    assert optimum(found, mean, gpu, api * factor).n >= now


def test_c43_the_azure_code_trace(cases, trace):
    """Public trace: API cost, mean and peak load by bucket width, replicas, break-even utilisation."""
    given_, expected = cases["C43"]["inputs"], cases["C43"]["expected"]
    capacity = Capacity(uncached=given_["gpu_s_per_in"], output=given_["gpu_s_per_out"])
    with (trace / "azure_llm_code_2023.csv").open() as file:
        rows = [
            (
                datetime.fromisoformat(r["TIMESTAMP"]).replace(tzinfo=UTC).timestamp(),
                int(r["ContextTokens"]),
                int(r["GeneratedTokens"]),
            )
            for r in csv.DictReader(file)
        ]
    seconds = [at for at, _, _ in rows]
    works = [capacity.of(i, 0, o) for _, i, o in rows]
    into, out = sum(i for _, i, _ in rows), sum(o for _, _, o in rows)
    start = seconds[0] // 60 * 60
    minutes = load_series(seconds, works, 60, start)
    assert (len(rows), into, out, len(minutes)) == tuple(
        expected[k] for k in ("requests", "input_tokens", "output_tokens", "minutes")
    )
    duration = len(minutes) * 60
    assert sum(works) / duration == pytest.approx(expected["load_mean"], abs=1e-6)
    peaks = {
        60: max(minutes),
        10: max(load_series(seconds, works, 10, start)),
        1: max(load_series(seconds, works, 1, start)),
    }
    for width, peak in peaks.items():
        assert peak == pytest.approx(expected[f"load_peak_{width}s"], abs=1e-6)
    kappa = given_["max_util"]
    assert pool_size(sum(works) / duration, kappa, 0) == expected["replicas"]["mean"]
    assert {f"s{w}": pool_size(p, kappa, 0) for w, p in peaks.items()} == {
        k: v for k, v in expected["replicas"].items() if k != "mean"
    }
    for name, (p_in, p_out) in given_["prices"].items():
        api = (into * p_in + out * p_out) / 1e6
        assert api == pytest.approx(expected[f"api_{name}"], rel=1e-6)
        assert api / len(rows) == pytest.approx(expected[f"api_{name}_per_request"], abs=1e-9)
        assert api * 3600 / duration == pytest.approx(expected[f"api_{name}_per_hour"], rel=1e-6)
        price = displaced(api, sum(works))
        assert needed_share(given_["usd_per_replica_hour"], price) == pytest.approx(
            expected["breakeven_utilisation"][name], abs=1e-6
        )
    assert coarser(load_series(seconds, works, 10, start), 6)[0] == pytest.approx(minutes[0])


@pytest.mark.parametrize(
    ("api", "label"),
    [(337.5, "api"), (1290, "api"), (3862.5, "api"), (9375, "depends_on_gpu_price"), (101_250, "self_hosted")],
)
def test_c25_labels_are_computed(api, label):
    assert cost_only(api, 4000, 10_000) == label


def test_no_work_displaces_nothing_and_no_gain_never_breaks_even():
    assert displaced(5.0, 0) is None
    assert needed_share(1.0, 2.0, 2.0) is None
    assert ceiling(2 + 1e-12) == 2


def hourly(days=28, base=5):
    return [base + h % 24 for _ in range(days) for h in range(24)]


def test_coverage_tells_missing_from_quiet():
    """A hole in a busy series is missing; a regular quiet night is not; a hole at the edge is missing."""
    assert coverage.missing(hourly()) == set()
    assert coverage.missing([0 if i in (300, 301, 302) else c for i, c in enumerate(hourly())]) == {300, 301, 302}
    assert coverage.missing([0 if i % 24 < 5 else c for i, c in enumerate(hourly())]) == set()
    assert coverage.missing([0 if i > 660 else c for i, c in enumerate(hourly())]) == set(range(661, 672))
    assert coverage.share([]) is None
