"""How sure a mean daily saving is: whole weeks, Student's t, resampled bands (economics 6.2, 14.2); pure."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WEEK = 7
WEEKS = 4
LOOK_BACK = 8
MIN_COVERAGE = 0.95
T_90 = {
    3: 1.637744, 4: 1.533206, 5: 1.475884, 6: 1.439756, 7: 1.414924, 8: 1.396815, 9: 1.383029, 10: 1.372184,
    11: 1.363430,
}  # fmt: skip
"""Degrees of freedom → 90 % quantile of Student's t; six decimals are part of the definition."""
DRAWS, SEED = 1000, 0


@dataclass(frozen=True, slots=True)
class Bound:
    """Mean daily saving over whole weeks with its one-sided 90 % bounds; together they are an 80 % interval."""

    weeks: tuple[float, ...]
    mean: float
    error: float
    lower: float
    upper: float
    relative_lower: float | None


def trailing_weeks(days: int) -> list[range]:
    """Return the indices of trailing blocks of seven complete days, the latest first; each has every weekday once."""
    return [range(days - WEEK * (k + 1), days - WEEK * k) for k in range(days // WEEK)]


def usable_weeks(days: int, coverage: Sequence[float] | None = None, count: int = WEEKS) -> list[range] | None:
    """Return the latest `count` weeks that are covered, among the last eight; None where fewer than four are."""
    found = [
        week for week in trailing_weeks(days)[:LOOK_BACK]
        if coverage is None or fmean(coverage[i] for i in week) >= MIN_COVERAGE
    ]  # fmt: skip
    return found[:count] if len(found) >= WEEKS else None


def bound(savings: Sequence[float], base: Sequence[float], weeks: Sequence[range]) -> Bound:
    """Return the bound of the mean daily saving over weeks, at least four; `base` is today's cost by day."""
    means = [fmean(savings[i] for i in week) for week in weeks]
    mean = fmean(means)
    error = stdev(means) / math.sqrt(len(means))
    reach = T_90[len(means) - 1] * error
    paid = fmean(base[i] for week in weeks for i in week)
    return Bound(tuple(means), mean, error, mean - reach, mean + reach, (mean - reach) / paid if paid > 0 else None)


def band(
    weeks: Sequence[range], figure: Callable[[Sequence[range]], float | None], draws: int = DRAWS
) -> tuple[float, float, float] | None:
    """Return the 10th, 50th and 90th percentile of a figure over weeks drawn with replacement; None where it has none.

    A draw without a figure (no payback) counts as above all others; a percentile there is infinite.
    """
    rng = random.Random(SEED)  # noqa: S311 - draws weeks, hides nothing
    found = []
    for _ in range(draws):
        value = figure([weeks[rng.randrange(len(weeks))] for _ in weeks])
        found.append(math.inf if value is None else value)
    found.sort()
    low, middle, high = (found[min(len(found) - 1, int(share * len(found)))] for share in (0.1, 0.5, 0.9))
    return None if math.isinf(low) else (low, middle, high)
