"""Load in replicas: work per bucket of time, peaks, and the pool that would hold it; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

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
