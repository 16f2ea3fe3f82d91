"""Capacity: throughput at the objective, work fitted on shapes, grades B and C; figures by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.verdict.capacity import Bucket, Point, Run, Slo, fit, observed, points, reaches
from ledger.verdict.load import Capacity


def run(rate, tok_s, ttft=500.0, tpot=20.0, shape=(1000, 100)):
    return Run(rate, tok_s, ttft, tpot, *shape)


def test_throughput_at_the_objective():
    """Both limits are in; the most of any run is kept beside it; a shape that never keeps it has no throughput."""
    ladder = [run(1, 100), run(2, 190, ttft=2000.0, tpot=50.0), run(4, 300, ttft=2001.0), run(8, 320, tpot=80.0)]
    never = [run(1, 40, ttft=9000.0, shape=(9000, 100))]
    first, second = points([*ladder, *never], Slo())
    assert (first.theta, first.theta_max, first.rate, first.shape) == (190, 320, 2, (1000, 0, 100))
    assert first.share_of_max == 190 / 320
    assert (second.theta, second.rate, second.share_of_max, second.seconds) == (None, None, None, None)
    assert fit([second]) is None


def test_one_shape_fixes_the_work_of_a_request():
    """100 output tokens of 200 a second are half a second: 1,000 in + 4 x 100 out are 1,400 units of it."""
    found = fit([Point((1000, 0, 100), 200.0, 250.0, 2.0)])
    assert found.capacity.uncached == pytest.approx(0.5 / 1400)
    assert found.capacity.output == pytest.approx(4 * 0.5 / 1400)
    assert found.capacity.cached == pytest.approx(0.05 * 0.5 / 1400)
    assert found.method == "one shape, fixed ratio"


def test_two_shapes_fix_input_and_output():
    """0.0001 s an input token and 0.002 s an output token: (1,000, 100) takes 0.3 s, (100, 400) takes 0.81 s."""
    found = fit([Point((1000, 0, 100), 100 / 0.3, 500, 1), Point((100, 0, 400), 400 / 0.81, 500, 1)])
    assert (found.capacity.uncached, found.capacity.output) == pytest.approx((1e-4, 2e-3))
    assert found.error < 1e-9


TRUE = Capacity(2e-5, 1e-6, 5e-4, 1e-8)
shapes = st.lists(
    st.tuples(st.integers(50, 30_000), st.integers(0, 30_000), st.integers(20, 3_000)), min_size=6, max_size=12,
    unique_by=lambda s: s,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(shapes)
def test_a_fit_finds_the_work_that_made_the_points(tested):
    """Any six shapes of a box with a KV term: its own points are met, and no coefficient is negative."""
    found = fit([Point(s, s[2] / TRUE.of(*s), 1e9, None) for s in tested])
    assert found.error < 0.02
    assert min(found.capacity.uncached, found.capacity.cached, found.capacity.output, found.capacity.kv) >= 0


def test_coefficients_are_never_negative():
    """A prompt that seems to cost less than nothing costs nothing."""
    found = fit([Point((1000, 0, 100), 1000.0, 1000, 1), Point((10, 0, 100), 900.0, 1000, 1)])
    assert found.capacity.uncached == 0
    assert found.capacity.output > 0


def bucket(tok_s, waiting=2.0, ttft=800.0, tpot=30.0):
    return Bucket(10 * tok_s, 0.0, tok_s, waiting, ttft, tpot, 300 * tok_s / 100)


@pytest.mark.parametrize(
    ("buckets", "grade", "theta"),
    [
        ([bucket(500 + n % 5) for n in range(30)], "B", 502),
        ([bucket(500 + n % 5) for n in range(29)], "C", 504),
        ([bucket(300 + 20 * n) for n in range(30)], "C", 880),
        ([bucket(500, waiting=0.0) for _ in range(40)], "C", 500),
        ([bucket(500), bucket(900, ttft=2500.0), bucket(950, tpot=51.0)], "C", 500),
        ([bucket(500, None, None, None)], "C", 500),
        ([*(bucket(500, ttft=None) for _ in range(40))], "C", 500),
    ],
    ids=["saturated", "too few", "too wide", "no queue", "late ones left out", "no latency told", "SLO not known"],
)
def test_what_production_shows(buckets, grade, theta):
    found = observed(buckets, Slo())
    assert (found.grade, found.theta) == (grade, theta)
    request = found.fit.capacity.of(1000, 0, 100)
    assert request == pytest.approx(100 / theta, rel=0.02)


def test_production_that_shows_nothing():
    assert observed([], Slo()) is None
    assert observed([bucket(0.0)], Slo()) is None
    assert observed([bucket(500, ttft=9000.0)], Slo()) is None


@pytest.mark.parametrize(
    ("mean", "near"), [((1500, 0, 150), True), ((500, 400, 90), True), ((400, 0, 100), False), ((1000, 0, 900), False)]
)
def test_how_far_a_ladder_reaches(mean, near):
    assert reaches([(1000, 0, 100), (2000, 0, 400)], *mean) == near
    assert not reaches([], *mean)
