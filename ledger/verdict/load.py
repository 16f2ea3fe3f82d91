"""Load in replicas: work per bucket of time, peaks, and the pool that would hold it; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

KAPPA = 0.8
"""Highest share of capacity that is planned for where nothing can overflow."""
SPARE_REPLICAS = 1


@dataclass(frozen=True, slots=True)
class Capacity:
    """Replica-seconds of work per token: uncached input, cached input, output, and the KV term in*out + out²/2."""

    uncached: float = 0.0
    cached: float = 0.0
    output: float = 0.0
    kv: float = 0.0

    @property
    def known(self) -> bool:
        """Whether anything was measured or declared."""
        return self.uncached > 0 or self.output > 0

    def of(self, uncached: float, cached: float, output: float) -> float:
        """Return the replica-seconds that one request takes."""
        total = uncached + cached
        return (
            self.uncached * uncached
            + self.cached * cached
            + self.output * output
            + self.kv * (total * output + output * output / 2)
        )


def ceiling(x: float) -> int:
    """Return the ceiling of x - 10⁻⁹, so that rounding noise never buys a replica."""
    return max(0, math.ceil(x - 1e-9))


def load_series(seconds: Sequence[float], works: Sequence[float], width_s: float, start: float) -> list[float]:
    """Return load in replicas per bucket from `start` to the last request; empty buckets in between are 0.

    `seconds` are starts of requests, `works` their replica-seconds.
    """
    bins = [int((second - start) // width_s) for second in seconds]
    out = [0.0] * (max(bins, default=-1) + 1)
    for index, work in zip(bins, works, strict=True):
        out[index] += work / width_s
    return out


def coarser(load: Sequence[float], factor: int) -> list[float]:
    """Return means of `factor` consecutive buckets; the last may be shorter."""
    return [sum(part) / len(part) for part in (load[i : i + factor] for i in range(0, len(load), factor))]


def pool_size(peak: float, kappa: float = KAPPA, spare: int = SPARE_REPLICAS) -> int:
    """Return the replicas of a pool without overflow: the peak at the planned share, and spares."""
    return ceiling(peak / kappa) + spare


BINS = 20
"""Bins of a replica in a load histogram: overflow over whole replicas is exact, over parts of one within a bin."""


@dataclass(frozen=True, slots=True)
class Load:
    """How often which load in replicas was there: bin (20 times the load, down) → buckets and the sum of their loads.

    `buckets` counts the empty ones too.
    """

    bins: Mapping[int, tuple[float, float]]
    buckets: float
    peak: float

    @classmethod
    def of(cls, series: Sequence[float]) -> Load:
        """Return the histogram of a series of buckets."""
        bins: dict[int, tuple[float, float]] = {}
        for load in series:
            count, total = bins.get(int(load * BINS), (0.0, 0.0))
            bins[int(load * BINS)] = (count + 1, total + load)
        return cls(bins, float(len(series)), max(series, default=0.0))

    @classmethod
    def together(cls, parts: Iterable[Load]) -> Load:
        """Return several spans of time as one."""
        bins: dict[int, tuple[float, float]] = {}
        buckets = peak = 0.0
        for part in parts:
            buckets += part.buckets
            peak = max(peak, part.peak)
            for index, (count, total) in part.bins.items():
                before = bins.get(index, (0.0, 0.0))
                bins[index] = (before[0] + count, before[1] + total)
        return cls(bins, buckets, peak)

    def times(self, factor: float) -> Load:
        """Return the same with every load larger by a factor."""
        bins: dict[int, tuple[float, float]] = {}
        for count, total in self.bins.values():
            index = int(total / count * factor * BINS) if count else 0
            before = bins.get(index, (0.0, 0.0))
            bins[index] = (before[0] + count, before[1] + total * factor)
        return Load(bins, self.buckets, self.peak * factor)

    @property
    def mean(self) -> float:
        """Mean load in replicas."""
        return sum(total for _, total in self.bins.values()) / self.buckets if self.buckets else 0.0

    def overflow(self, replicas: int) -> float:
        """Return the mean load above a number of replicas."""
        if not self.buckets:
            return 0.0
        floor = replicas * BINS
        return sum(t - replicas * c for index, (c, t) in self.bins.items() if index >= floor) / self.buckets
