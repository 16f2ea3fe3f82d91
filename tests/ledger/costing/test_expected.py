"""Month end, unusual days, budgets, prefix caches: C41 and brute force."""

import math
import random

import pytest

from ledger.costing.expected import AnomalyLimits, burns, crossed, month_end, profile, unusual
from ledger.verdict.prefix import cached_tokens, saving_share


def test_c41_month_end_and_an_unusual_day(cases):
    given_, expected = cases["C41"]["inputs"], cases["C41"]["expected"]
    days = given_["history_28d"]
    assert profile(days) == pytest.approx(expected["weekday_profile"])
    end = month_end(given_["month_to_date"], days, given_["remaining_days"])
    assert (end, end - given_["month_to_date"]) == pytest.approx((expected["month_end"], expected["remaining"]))
    found = unusual(days, given_["next_day_actual"], sigma=0.12)
    assert found.expected == pytest.approx(expected["next_day_expected"])
    assert math.exp(found.log_excess) == pytest.approx(expected["ratio"], abs=1e-6)
    assert found.log_excess == pytest.approx(expected["log_excess"], abs=1e-6)
    assert (found.flag, round(found.z, 2)) == (expected["flag_if_sigma_0_12"], 5.69)


def test_too_little_history_says_nothing():
    assert month_end(10.0, [1.0] * 27, 3) is None
    assert unusual([1.0] * 27, 100.0) is None


def week(level, noise, rng, weeks):
    shape = [1.1, 1.2, 1.2, 1.1, 1.0, 0.6, 0.5]
    return [level * shape[d % 7] * math.exp(rng.gauss(0, noise)) for d in range(7 * weeks)]


def test_a_level_that_follows():
    """Eight weeks: a usual day is not flagged, a doubled one is; after three weeks at the double it is usual."""
    rng = random.Random(4)
    days = week(100.0, 0.05, rng, 8)
    assert not unusual(days, 110.0).flag
    assert unusual(days, 220.0).flag
    assert not unusual([d / 100 for d in days], 2.2).flag  # a dollar is not worth an alarm
    assert not unusual(week(100.0, 0.05, rng, 5) + week(200.0, 0.05, rng, 3), 225.0).flag
    quiet = sum(unusual(week(100.0, 0.1, rng, 8), 110.0 * math.exp(rng.gauss(0, 0.1))).flag for _ in range(300))
    assert quiet <= 6


def test_zeros_do_not_break_it():
    found = unusual([0.0] * 56, 50.0)
    assert found.flag
    assert unusual([0.0] * 56, 0.0).flag is False


def test_budgets_and_the_burn_guard():
    assert crossed(100.0, 76.0, 90.0) == ["50%", "75%"]
    assert crossed(100.0, 100.0, 101.0) == ["50%", "75%", "90%", "100%", "forecast"]
    assert crossed(100.0, 0.0, None) == []
    assert burns(21.0, 10.0)
    assert not burns(20.0, 10.0, AnomalyLimits())


def test_a_prefix_cache_of_a_trace():
    """Blocks of 16: nothing is known at first, two blocks of the second request, all of the third, at most its tokens."""
    trace = [(40, ["a", "b", "c"]), (48, ["a", "b", "x"]), (40, ["a", "b", "c"]), (16, ["y"]), (0, [])]
    assert cached_tokens(trace, 16) == [0, 32, 40, 0, 0]
    assert saving_share(75.0, 100.0) == 0.25
    assert saving_share(0.0, 0.0) is None
