"""What spend was to be expected, from days before: month end, unusual days, budgets (economics 17); pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WEEK = 7
WEEKS = 4
LONG_WEEKS = 8
LEAST = 1e-9
MAD = 1.4826
"""Median absolute deviation times this is a standard deviation."""


@dataclass(frozen=True, slots=True)
class AnomalyLimits:
    """From when a day is unusual: deviations, share above the expected, USD; and how fast the level follows."""

    z: float = 3.0
    min_share: float = 0.25
    min_usd: float = 20.0
    alpha: float = 0.3
    burn_factor: float = 2.0


@dataclass(frozen=True, slots=True)
class Unusual:
    """A day against what was expected of it; `flag`: by logarithm, by share and by money at once."""

    expected: float
    log_excess: float
    z: float
    flag: bool


def profile(days: Sequence[float]) -> list[float]:
    """Return the mean of each weekday over the last four weeks, the weekday of the day after the last one first."""
    last = days[-WEEK * WEEKS :]
    return [fmean(last[i::WEEK]) for i in range(WEEK)]


def month_end(to_date: float, days: Sequence[float], remaining: int) -> float | None:
    """Return what a month comes to: what it has cost and the profile of the days that are left (17.1).

    None with fewer than four weeks of complete days.
    """
    if len(days) < WEEK * WEEKS:
        return None
    usual = profile(days)
    return to_date + sum(usual[k % WEEK] for k in range(remaining))


def unusual(
    days: Sequence[float], actual: float, limits: AnomalyLimits | None = None, sigma: float | None = None
) -> Unusual | None:
    """Return how a day stands to the complete days before it (17.2); None with fewer than 28 of them.

    From 56 days on by a level that follows the weekday-adjusted logarithms; else by the weekday's mean. `sigma`: the
    spread, where it is known.
    """
    limits = limits or AnomalyLimits()
    if len(days) < WEEK * WEEKS:
        return None
    if len(days) >= WEEK * LONG_WEEKS:
        expected, spread = _followed([math.log(max(x, LEAST)) for x in days[-WEEK * LONG_WEEKS :]], limits.alpha)
    else:
        usual = profile(days)
        gaps = [abs(math.log(max(x, LEAST) / max(usual[i % WEEK], LEAST)))
                for i, x in enumerate(days[-WEEK * WEEKS :])]  # fmt: skip
        expected, spread = usual[0], max(MAD * median(gaps), 0.05)
    excess = math.log(max(actual, LEAST) / max(expected, LEAST))
    z = excess / (spread if sigma is None else sigma)
    flag = z > limits.z and excess > math.log(1 + limits.min_share) and actual - expected >= limits.min_usd
    return Unusual(expected, excess, z, flag)


def _followed(logs: list[float], alpha: float) -> tuple[float, float]:
    """Return what eight weeks of logarithms lead to expect of the day after them, and their spread."""
    weeks = [logs[WEEK * j : WEEK * (j + 1)] for j in range(LONG_WEEKS)]
    shape = [median(week[i] - median(week) for week in weeks) for i in range(WEEK)]
    shape = [x - fmean(shape) for x in shape]
    adjusted = [x - shape[i % WEEK] for i, x in enumerate(logs)]
    level = median(adjusted[:WEEK])
    gaps: list[float] = []
    for count, y in enumerate(adjusted[WEEK:]):
        gap = y - level
        gaps.append(gap)
        scale = 0.35 if count < 2 * WEEK else MAD * median(abs(e) for e in gaps[-WEEK * WEEKS :])
        level += alpha * min(max(gap, -3 * scale), 3 * scale)
    spread = max(MAD * median(abs(e) for e in gaps[-6 * WEEK :]), 0.05)
    return math.exp(shape[0] + level), spread


def burns(spent_today: float, expected_by_now: float, limits: AnomalyLimits | None = None) -> bool:
    """Say whether a running day has cost far more than it was to by this hour."""
    return spent_today > (limits or AnomalyLimits()).burn_factor * expected_by_now


def crossed(
    budget: float, spent: float, forecast: float | None, thresholds: Sequence[float] = (0.5, 0.75, 0.9, 1.0)
) -> list[str]:
    """Return which thresholds of a budget are reached in its own window, and `forecast` if it will be exceeded."""
    out = [f"{share:.0%}" for share in thresholds if spent >= share * budget]
    return [*out, "forecast"] if forecast is not None and forecast > budget else out
