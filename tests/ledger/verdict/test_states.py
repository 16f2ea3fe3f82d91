"""Advice that remembers: each transition, latching, cool-down, repetition; then two ways followed through it."""

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.verdict.backtest import clairvoyant, follow
from ledger.verdict.regret import SwitchCost
from ledger.verdict.states import Limits, Memory, Signs, acknowledge, advance, blocking, switched

LIMITS = Limits()
DAY = date(2026, 11, 1)
GOOD = Signs(
    DAY, "hybrid|own|1", "", saving=20.0, base=100.0, lower=10.0, upper=30.0, regret=900.0, threshold=800.0, payback=10.0,
    grade="A",
)  # fmt: skip


def after(memory, *days, **change):
    """The state after days of the same signs, and all transitions."""
    told = []
    for day in days:
        memory, found = advance(memory, replace(GOOD, day=day, **change), LIMITS)
        told += [(t.before, t.after) for t in found]
    return memory, told


def test_all_tests_at_once_lead_to_a_recommendation_in_one_evaluation():
    memory, told = after(Memory(), DAY)
    assert told == [("insufficient", "watch"), ("watch", "recommend")]
    assert (memory.state, memory.candidate, memory.since, memory.saving) == ("recommend", "hybrid|own|1", DAY, 20.0)


@pytest.mark.parametrize(
    ("change", "state", "why"),
    [
        ({"missing": "20 complete days"}, "insufficient", ""),
        ({"candidate": ""}, "steady", ""),
        ({"saving": 4.9}, "steady", ""),
        ({"saving": 6.6, "base": 10.0}, "steady", ""),
        ({"saving": 6.7, "base": 10.0, "lower": 6.0}, "recommend", ""),
        ({"lower": 5.0}, "watch", "within the margin"),
        ({"lower": None}, "watch", "within the margin"),
        ({"regret": 799.9}, "watch", "799.9"[:3]),
        ({"payback": None}, "watch", "pay back"),
        ({"payback": 24.1}, "watch", "pay back"),
        ({"payback": 24.0}, "recommend", ""),
        ({"allowed": False}, "watch", "policy"),
        ({"grade": "D"}, "watch", "grade D"),
        ({"grade": ""}, "watch", "grade unknown"),
        ({"grade": "C"}, "recommend", ""),
    ],
)
def test_each_test_of_a_recommendation(change, state, why):
    memory, _ = after(Memory(), DAY, **change)
    assert memory.state == state
    if why:
        assert any(why in reason or why == "799" for reason in blocking(replace(GOOD, **change), LIMITS))


def test_a_recommendation_is_latched():
    """One test that wavers does not take it back, nor data that is missing; the bound below 0 does."""
    memory, _ = after(Memory(), DAY)
    for change in ({"lower": -5.0}, {"regret": 0.0}, {"missing": "gap"}, {"saving": -3.0}, {"payback": None}):
        assert after(memory, DAY + timedelta(1), **change)[0].state == "recommend"
    gone, told = after(memory, DAY + timedelta(1), upper=-0.1)
    assert told == [("recommend", "clear")]
    assert after(memory, DAY + timedelta(1), caused=False)[0].state == "clear"
    assert gone.cleared == DAY + timedelta(1)


def test_after_clear_there_is_a_pause():
    memory, _ = after(after(Memory(), DAY)[0], DAY + timedelta(1), upper=-1.0)
    days = [DAY + timedelta(n) for n in range(2, 30)]
    state, told = after(memory, *days)
    assert told == [("clear", "steady"), ("steady", "watch"), ("watch", "recommend")]
    assert state.since == DAY + timedelta(15)


def test_accepted_and_moved():
    memory, _ = after(Memory(), DAY)
    accepted, transition = acknowledge(memory, DAY)
    assert (accepted.state, transition.before, transition.after) == ("acknowledged", "recommend", "acknowledged")
    assert after(accepted, DAY + timedelta(1))[0].state == "acknowledged"
    done, _ = switched(accepted, DAY + timedelta(3))
    assert (done.state, done.candidate) == ("steady", "")
    seen, told = after(accepted, DAY + timedelta(1), arrived=True, candidate="")
    assert told == [("acknowledged", "steady")]
    assert seen == Memory("steady", DAY + timedelta(1))
    with pytest.raises(ValueError, match="nothing is recommended"):
        acknowledge(Memory("watch"), DAY)


def test_it_is_told_again_after_a_month_or_when_the_saving_moved():
    memory, _ = after(Memory(), DAY)
    assert after(memory, DAY + timedelta(29))[1] == []
    repeated, told = after(memory, DAY + timedelta(30))
    assert told == [("recommend", "recommend")]
    assert after(repeated, DAY + timedelta(31))[1] == []
    assert after(memory, DAY + timedelta(1), saving=25.1)[1] == [("recommend", "recommend")]
    assert after(memory, DAY + timedelta(1), saving=24.9)[1] == []


COSTS = SwitchCost(800.0, 400.0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(1, 200), st.floats(1, 200)), min_size=1, max_size=9), st.integers(0, 1))
def test_hindsight_is_the_best_of_all_ways(days, start):
    """Dynamic programming against every sequence of choices."""
    from itertools import product

    ways = ([a for a, _ in days], [b for _, b in days])
    best = float("inf")
    for choice in product((0, 1), repeat=len(days)):
        cost, at = 0.0, start
        for day, way in enumerate(choice):
            cost += (COSTS.there if way == 1 else COSTS.back) if way != at else 0.0
            cost, at = cost + ways[way][day], way
        best = min(best, cost)
    assert clairvoyant(ways, COSTS, start) == pytest.approx(best)


def test_a_lasting_step_is_followed_and_a_burst_is_not():
    rng = random.Random(3)

    def api(level):
        return [100 * level(day) * (0.7 if day % 7 > 4 else 1.12) * rng.gauss(1, 0.1) for day in range(200)]

    own = [100.0] * 200
    step = follow((api(lambda d: 0.7 if d < 80 else 1.6), own), COSTS, LIMITS)
    assert [s.to for s in step.switches] == [1]
    assert 100 <= step.switches[0].day <= 125
    assert step.clairvoyant <= step.cost < step.stayed
    burst = follow((api(lambda d: 0.6 * (3 if 80 <= d < 94 else 1)), own), COSTS, LIMITS)
    assert (burst.switches, burst.cost) == ((), burst.stayed)


def test_noise_within_the_margin_never_moves_it():
    """I11: costs that differ by less than 5 % either way lead to nothing, for two years."""
    rng = random.Random(5)
    ways = ([100 * rng.uniform(0.9, 1.14) for _ in range(730)], [100 * rng.uniform(0.9, 1.1) for _ in range(730)])
    assert follow(ways, SwitchCost(50, 50), LIMITS).switches == ()
