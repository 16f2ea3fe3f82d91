"""Which empty hours of a series without heartbeat are missing rather than quiet; pure."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WEEK_H = 168
NEIGHBOURS = 6


def missing(counts: Sequence[int], period: int = WEEK_H, neighbours: int = NEIGHBOURS) -> set[int]:
    """Return the indices of hours that are missing, not zero.

    A run of zeros is missing when the same hour of the week is normally busy (median of the other weeks > 0) in
    all of it, and the hours around it are busy too or the run touches the edge of the series.
    """
    out: set[int] = set()
    for start, end in _zero_runs(counts):
        run = set(range(start, end))
        usual = all(_usual(counts, index, run, period) > 0 for index in run)
        before, after = counts[max(0, start - neighbours) : start], counts[end : end + neighbours]
        edge = start == 0 or end == len(counts)
        around = len(before) == neighbours and len(after) == neighbours and all(before) and all(after)
        if usual and (edge or around):
            out |= run
    return out


def share(counts: Sequence[int]) -> float | None:
    """Return the covered share of the hours; None without any hour."""
    return 1 - len(missing(counts)) / len(counts) if counts else None


def _zero_runs(counts: Sequence[int]) -> list[tuple[int, int]]:
    runs = []
    start = None
    for index, count in enumerate([*counts, 1]):
        if count == 0 and start is None:
            start = index
        elif count and start is not None:
            runs.append((start, index))
            start = None
    return runs


def _usual(counts: Sequence[int], index: int, run: set[int], period: int) -> float:
    others = [counts[i] for i in range(index % period, len(counts), period) if i not in run]
    return median(others) if others else 0.0
