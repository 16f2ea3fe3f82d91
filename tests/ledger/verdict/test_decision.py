"""Uncertainty, regret, payback, policy, flips, hybrid extras: cases C25 C28 C33 C34 C40 C42 C46 C51 and brute force."""

import csv
import math
import random
from itertools import product
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import TRACES

from ledger.verdict.breakeven import cost_only, needed_share, volumes
from ledger.verdict.flips import factors, gpu_price_edges, keeps_replicas
from ledger.verdict.hybrid import Claim, continuous, marginal, merit_order, optimum, schedule, steps
from ledger.verdict.load import Load, ceiling, coarser
from ledger.verdict.payback import Move, Paid, constant, leave, project
from ledger.verdict.policy import Policy, Volume, rule, shadow_price
from ledger.verdict.regret import FACTOR, SwitchCost, meter
from ledger.verdict.uncertainty import T_90, band, bound, trailing_weeks, usable_weeks


def test_c25_labels_are_computed_not_copied(cases):
    given_, expected = cases["C25"]["inputs"], cases["C25"]["expected"]
    mtok, share = given_["mtok_per_30d_month"], given_["input_share"]
    low, high = (given_["replicas"] * usd for usd in given_["gpu_month_low_high"])
    assert (low, high) == (expected["self_low"], expected["self_high"])
    for tier, (price_in, price_out) in given_["api_tiers"].items():
        price = share * price_in + (1 - share) * price_out
        assert mtok * price == pytest.approx(expected["api_month"][tier])
        assert cost_only(mtok * price, low, high) == expected["verdict_cost_only"][tier]
        assert low / price == pytest.approx(expected["breakeven_mtok_at_low"][tier], abs=1e-3)
        assert high / price == pytest.approx(expected["breakeven_mtok_at_high"][tier], abs=1e-3)


def test_c28_payback_as_cash_flow(cases):
    given_, expected, tolerance = cases["C28"]["inputs"], cases["C28"]["expected"], cases["C28"]["tolerance"]
    commit = given_["api_commit"]
    found = project(
        Move(
            given_["api_month_now"], [given_["self_month"]], given_["switch_one_off"], given_["api_price_change_per_month"],
            given_["volume_growth_per_month"], given_["double_run_months"], commit["min_month"], commit["remaining_months"],
            discount=given_["annual_discount"],
        ),
        given_["horizon_months"],
    )  # fmt: skip
    assert list(found.savings[:8]) == pytest.approx(expected["monthly_saving_first_8"], abs=tolerance)
    assert found.months == pytest.approx(expected["payback_months"], abs=tolerance)
    assert found.value == pytest.approx(expected["npv_24"], abs=0.1)
    assert found.naive == pytest.approx(expected["naive_payback"], abs=tolerance)
    assert found.band == "medium"


def test_paybacks_that_never_come_have_a_reason():
    assert project(Move(2000, [2500], 5000)).reason == "no_saving"
    assert project(Move(2000, [1900], 50_000)).reason == "beyond_horizon"
    assert project(Move(2000, [1000], 0)).months == 0
    assert project(Move(2000, [1000], 5000)).months == constant(2000, 1000, 5000).months == 5
    assert project(Move(2000, [1000], 5000)).band == "short"
    discounted = project(Move(2000, [1000], 5000, discount=0.1), 12)
    assert discounted.value == pytest.approx(-5000 + sum(1000 * 1.1 ** (-m / 12) for m in range(1, 13)))


def test_c51_published_months(cases):
    """hardware / (Mtok · (in/3 + 2·out/3) - electricity): the constant payback of a box against an API."""
    given_ = cases["C51"]["inputs"]
    for row in given_["rows"]:
        price_in, price_out = given_["api_prices"][row["api"]]
        found = constant(
            row["mtok_month"] * (price_in / 3 + 2 * price_out / 3), row["electricity_month"], row["hardware_usd"]
        )
        assert found.months == pytest.approx(row["computed_months"], abs=1e-3)
        assert abs(found.months - row["published_months"]) <= 0.0521


def test_c33_bound_of_four_weeks(cases):
    given_, expected = cases["C33"]["inputs"], cases["C33"]["expected"]
    base = given_["api_daily"]
    savings = [paid - given_["self_daily"] for paid in base]
    found = bound(savings, base, usable_weeks(len(base)))
    assert sorted(found.weeks) == pytest.approx(sorted(expected["week_means"]), abs=1e-6)
    assert (found.mean, found.error, found.lower, found.relative_lower) == pytest.approx(
        tuple(expected[name] for name in ("mean", "se", "lower", "relative_lower")), abs=1e-5
    )
    assert (found.relative_lower > given_["margin_share"]) is expected["passes_margin"]
    assert found.upper - found.mean == pytest.approx(found.mean - found.lower)


def test_the_quantiles_are_those_of_the_definition():
    """Six decimals; and each is the 90 % quantile by integrating the density of Student's t."""
    for nu, t in T_90.items():
        density = math.gamma((nu + 1) / 2) / math.sqrt(nu * math.pi) / math.gamma(nu / 2)
        steps_ = 4000
        area = sum(
            (1 if k in (0, steps_) else 4 if k % 2 else 2) * (1 + (t * k / steps_) ** 2 / nu) ** (-(nu + 1) / 2)
            for k in range(steps_ + 1)
        )  # fmt: skip
        assert 0.5 + density * area * t / steps_ / 3 == pytest.approx(0.9, abs=1e-6)


def test_c40_only_whole_weeks(cases):
    given_, expected = cases["C40"]["inputs"], cases["C40"]["expected"]
    api, own = given_["daily_api"], given_["self_daily"]
    whole = fmean(api[i] for week in trailing_weeks(len(api)) for i in week)
    assert (whole, fmean(api[i] for i in trailing_weeks(28)[0])) == (expected["mean_28d"], expected["mean_7d"])
    assert cost_only(whole, own, own) == expected["verdict_28d"]
    friday = [d for d in range(len(api)) if d % 7 < 5][-5:]
    assert fmean(api[d] for d in friday) == expected["mean_last_5d_ending_friday"]
    assert cost_only(fmean(api[d] for d in friday), own, own) == expected["verdict_if_5_weekdays"]


def test_weeks_need_coverage():
    """A week below 0.95 is skipped; fewer than four of the last eight are too few."""
    assert usable_weeks(27) is None
    assert [w.start for w in usable_weeks(28)] == [21, 14, 7, 0]
    gap = [1.0] * 56
    gap[40] = 0.5
    assert [w.start for w in usable_weeks(56, gap)] == [49, 42, 28, 21]
    assert usable_weeks(28, [1.0] * 27 + [0.5]) is None
    assert usable_weeks(70, [0.0] * 42 + [1.0] * 28) is not None
    assert usable_weeks(70, [1.0] * 42 + [0.0] * 28) == [range(35, 42), range(28, 35), range(21, 28), range(14, 21)]


def test_bands_resample_whole_weeks():
    weeks = usable_weeks(28)
    savings = [10.0] * 14 + [20.0] * 14

    def mean(drawn):
        return fmean(savings[i] for week in drawn for i in week)

    low, middle, high = band(weeks, mean)
    assert (low, middle, high) == (12.5, 15.0, 17.5)
    assert band(weeks, mean) == (low, middle, high)  # the same draws every time
    assert band(weeks, lambda _: None) is None
    assert band(weeks, lambda w: 1.0 if mean(w) < 17 else None) == (1.0, 1.0, math.inf)


def test_c34_regret(cases):
    given_, expected = cases["C34"]["inputs"], cases["C34"]["expected"]
    costs = SwitchCost(given_["switch_cost_there"], given_["switch_cost_back"])
    found = meter(given_["daily_saving"])
    assert (costs.threshold, FACTOR) == (expected["threshold"], given_["factor"])
    first = next(day for day, level in enumerate(found, 1) if level >= costs.threshold)
    assert (first, found[14], found[17], found[-1]) == (
        expected["first_day_at_or_above"], expected["value_day_15"], expected["value_day_18"], expected["final"],
    )  # fmt: skip


@given(st.lists(st.floats(-100, 100), max_size=60))
def test_regret_is_the_sum_above_its_running_minimum(savings):
    """I11: the form that SQL uses and the recursion agree; splitting a series changes nothing."""
    total, least, expected = 0.0, 0.0, []
    for saving in savings:
        total += saving
        least = min(least, total)
        expected.append(total - least)
    assert meter(savings) == pytest.approx(expected, abs=1e-9)
    if len(savings) > 3:
        head = meter(savings[:3])
        assert meter([head[-1], *savings[3:]])[1:] == pytest.approx(expected[3:], abs=1e-9)


NAMES = {"capability_missing_in_api": "api_lacks"}


def test_c42_the_article_as_rules(cases):
    case = cases["C42"]
    found = []
    for row in case["inputs"]:
        facts = dict(row["facts"])
        volume = Volume(None, facts.pop("volume_ratio_to_breakeven", None), facts.pop("cv_weekly", None))
        known = {name: value for name, value in facts.items() if name in Policy.__slots__}
        found.append(rule(Policy(**known), volume).label)
    assert found == case["expected"]


@pytest.mark.parametrize(
    ("policy", "volume", "label", "fired"),
    [
        (Policy(api_lacks="video"), Volume(), "self_hosted", "3: the API lacks video"),
        (Policy(self_lacks="a context of 1M"), Volume(), "api", "4: own models lack a context of 1M"),
        (Policy(custom_model=True, self_feasible=False), Volume(), "blocked", "3: a model of our own"),
        (Policy(frontier_share=0.0), Volume(), "cost", ""),
        (Policy(models_tried_per_month=4), Volume(), "cost", ""),
        (Policy(), Volume(True, 0.2, 1.5), "cost", ""),
        (Policy(), Volume(False, 0.2), "api", "9: volume is 20%"),
        (Policy(), Volume(False, 0.9, 0.7), "api", "9: weeks differ by 70%"),
        (Policy(stage="production", team_can_operate=False), Volume(), "api_with_note", "10: nobody"),
        (Policy(prefer="self_hosted"), Volume(), "cost", ""),
    ],
)
def test_every_rule_names_its_fact(policy, volume, label, fired):
    found = rule(policy, volume)
    assert found.label == label
    assert fired in " ".join(found.fired)
    assert bool(fired) == bool(found.fired)


def test_shadow_price():
    costs = {"api": 100.0, "hybrid": 70.0, "self_hosted": 90.0}
    assert shadow_price(costs, {"hybrid": "x"}) == 20
    assert shadow_price(costs, {}) == 0
    assert shadow_price(costs, dict.fromkeys(costs, "x")) is None
    assert shadow_price({"api": 100.0, "hybrid": None}, {"hybrid": "x"}) == 0


@pytest.fixture(scope="module")
def rates():
    path = TRACES / "servegen_m_large_56_10min.csv"
    if not path.is_file():
        pytest.skip(f"no trace at {path}; set BREAKEVEN_TRACES")
    with path.open() as file:
        return [float(row[0]) for row in csv.reader(file) if not row[0].startswith("#")]


def test_c46_hybrid_on_two_weeks_of_a_client(cases, rates):
    given_, expected = cases["C46"]["inputs"], cases["C46"]["expected"]
    load = [rate / given_["replica_capacity_rps"] for rate in rates]
    price, displaced = given_["usd_per_replica_hour"], given_["api_usd_per_full_replica_hour"]
    assert len(load) == given_["rows"]
    found = steps(Load.of(load))
    best = optimum(found, fmean(load), price, displaced)
    pure = min(best.all_api, price * (ceiling(max(load)) + 1))
    assert (fmean(load), max(load), needed_share(price, displaced)) == pytest.approx(
        (expected["mean_load"], expected["peak_load"], expected["breakeven_utilisation"]), abs=1e-6
    )
    assert (best.n, marginal(found, price / displaced)) == (expected["best_replicas"],) * 2
    assert (best.cost, best.all_api, price * ceiling(max(load)), price * (ceiling(max(load)) + 1)) == pytest.approx(
        tuple(
            expected[n]
            for n in ("hybrid_usd_h", "all_api_usd_h", "all_self_peak_usd_h", "all_self_peak_plus_one_usd_h")
        ),
        abs=1e-6,
    )
    assert 1 - best.cost / pure == pytest.approx(expected["saving_vs_best_pure"], abs=1e-6)
    assert [s.own for s in found[1:5]] == pytest.approx(expected["util_of_nth"], abs=1e-6)
    assert 1 - found[2].overflow / fmean(load) == pytest.approx(expected["share_served_on_gpu"], abs=1e-6)
    assert continuous(load, price / displaced) == pytest.approx(expected["quantile_load_at_1_minus_rho"], abs=1e-6)
    hourly = coarser(load, 6)
    coarse = optimum(steps(Load.of(hourly)), fmean(hourly), price, displaced)
    assert (coarse.n, coarse.cost) == (
        expected["hourly_bucket_best_replicas"],
        pytest.approx(expected["hourly_bucket_hybrid_usd_h"], abs=1e-6),
    )
    owns = [s.own for s in found[1:5]]
    assert keeps_replicas(displaced, 0, owns[1], owns[2]) == pytest.approx((0.951, 2.829), abs=1e-3)
    assert gpu_price_edges(displaced, 0, owns[0], owns[3])[0] == pytest.approx(5.037, abs=1e-3)
    assert price / displaced / owns[0] == pytest.approx(0.397, abs=1e-3)


def test_enumeration_and_the_marginal_rule_agree_on_a_thousand_curves():
    """I8, I9: with a constant API price; all on the API is n = 0; from the peak on nothing overflows."""
    rng = random.Random(7)
    for _ in range(1000):
        peak = rng.uniform(0, 12)
        load = Load.of([max(0.0, rng.gauss(peak / 3, peak / 3)) * rng.random() for _ in range(200)])
        price = rng.uniform(0.1, 10)
        displaced = rng.uniform(0.1, 30)
        found = steps(load)
        best = optimum(found, load.mean, price, displaced)
        assert best.n == marginal(found, price / displaced)
        assert best.all_api == pytest.approx(displaced * load.mean)
        assert found[-1].overflow == pytest.approx(0, abs=1e-12)


@given(st.lists(st.floats(0, 9), min_size=1, max_size=80), st.floats(0.2, 5))
def test_a_histogram_keeps_what_decides(series, factor):
    """Overflow over whole replicas is that of the series; parts add up; another volume is right within a bin."""
    load = Load.of(series)
    half = Load.together([Load.of(series[::2]), Load.of(series[1::2])])
    for n in range(11):
        exact = sum(max(d - n, 0.0) for d in series) / len(series)
        assert load.overflow(n) == pytest.approx(exact, abs=1e-9)
        assert half.overflow(n) == pytest.approx(exact, abs=1e-9)
        scaled = sum(max(d * factor - n, 0.0) for d in series) / len(series)
        assert load.times(factor).overflow(n) == pytest.approx(scaled, abs=factor / 20 + 1e-9)


def test_replicas_by_the_hour_of_the_week():
    """Busy from 9 to 17 on weekdays: two replicas then, none else, and five starts of two replicas a week."""
    busy = {24 * day + hour for day in range(5) for hour in range(9, 17)}
    found = schedule({h: Load.of([2.0 if h in busy else 0.0] * 360) for h in range(168)}, 2.0, 10.0)
    assert {found.replicas[h] for h in busy} == {2}
    assert sum(found.replicas) == 80
    assert found.cost == pytest.approx((80 * 2.0 + 10 * 2.0 / 6) / 168)


def test_merit_order():
    """Dearest API per replica-hour first; the last one served partly; overflow pays its API."""
    claims = [Claim("cheap", 2.0, 4.0), Claim("dear", 1.0, 10.0), Claim("middle", 2.0, 10.0), Claim("none", 0.0, 0.0)]
    found = {one.workload: one for one in merit_order(claims, 2.0)}
    assert (found["dear"].served, found["middle"].served, found["cheap"].served) == (1.0, 1.0, 0.0)
    assert sum(one.overflow_usd_hour for one in found.values()) == pytest.approx(0 + 5 + 4)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9)), min_size=1, max_size=4),
    st.integers(0, 6),
)  # fmt: skip
def test_merit_order_is_the_cheapest_way(loads, capacity):
    """No other way to give whole replica-seconds to workloads leaves less for the API."""
    claims = [Claim(str(n), float(load), float(usd)) for n, (load, usd) in enumerate(loads)]
    found = sum(one.overflow_usd_hour for one in merit_order(claims, capacity))
    ways = product(*(range(int(c.load) + 1) for c in claims))
    best = min(
        sum(c.api_usd_hour * (1 - k / c.load) for c, k in zip(claims, way, strict=True))
        for way in ways if sum(way) <= capacity
    )  # fmt: skip
    assert found == pytest.approx(best, abs=1e-9)


@given(st.floats(0.02, 0.95), st.floats(1.05, 60))
def test_flips_are_found_on_both_sides(low, high):
    """A label that changes at two factors: both are found to 0.1 %."""
    found = {label: factor for factor, label in factors(lambda x: "a" if x < low else "c" if x > high else "b")}
    assert found["a"] == pytest.approx(low, rel=2e-3)
    assert found["c"] == pytest.approx(high, rel=2e-3)
    assert factors(lambda _: "same") == []


def test_leaving_paid_capacity():
    """13.1: committed for six months at 5,000; operations 300 and power 200 end at once; the API costs 2,000.

    Leaving now loses 1,500 a month for six months, then saves 3,500: 6 · 3,500 - 6 · 1,500 = 12,000 in twelve months;
    waiting for the end saves 21,000. On average the API looks cheaper at once, which forgets that the money is gone.
    """
    found = leave(Paid(300, 200, 5000, 6), [2000.0] * 12)
    assert (found.now, found.at_the_end, found.best, found.best_month) == (12_000, 21_000, 21_000, 7)
    assert found.cheaper_on_average == "api"
    never = leave(Paid(300, 200, 1000, 0), [2000.0] * 12)
    assert (never.best, never.best_month, never.cheaper_on_average) == (0.0, None, "self_hosted")
    fee = leave(Paid(300, 200, 5000, 6), [2000.0] * 12, exit_fee=4000)
    assert (fee.now, fee.best_month) == (12 * 3500 - 4000, 1)


def test_escalation_moves_the_break_even():
    """9.3: of 20 % that must be asked again, a replica-hour displaces a fifth less: c_g / (p̂ · (1 - q))."""
    assert needed_share(2.0, 10.0 * (1 - 0.2)) == pytest.approx(2.0 / 8.0)
    per_request, an_hour, price, q = 0.01, 500.0, 2.0, 0.2
    even = price / (per_request * (1 - q))
    assert price / even + q * per_request == pytest.approx(per_request)
    assert price / an_hour + q * per_request < per_request


def test_never_on_this_box_is_an_answer():
    assert volumes(1e9, 0.1, 1500, 0, 3).first is None
    assert volumes(1e9, 3.0, 1500, 0, 3).first == pytest.approx(5e8)
