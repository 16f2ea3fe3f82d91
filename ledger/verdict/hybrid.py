"""The hybrid: n replicas of our own, the rest to the API; n* is where the next replica would not pay; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.verdict.load import ceiling

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Step:
    """With n replicas: mean load left over (replicas), and the utilisation of the n-th by itself (None for n = 0)."""

    n: int
    overflow: float
    own: float | None


@dataclass(frozen=True, slots=True)
class Optimum:
    """The best n, its cost and those of the pure ways, USD per hour."""

    n: int
    cost: float
    all_api: float
    costs: tuple[float, ...]


def steps(load: Sequence[float], n_max: int | None = None) -> list[Step]:
    """Return the steps n = 0 … ⌈peak⌉ + 1 of a load series in replicas."""
    size = len(load)
    if not size:
        return [Step(0, 0.0, None)]
    last = ceiling(max(load)) + 1 if n_max is None else n_max
    out = []
    for n in range(last + 1):
        overflow = sum(max(d - n, 0.0) for d in load) / size
        own = sum(min(max(d - (n - 1), 0.0), 1.0) for d in load) / size if n else None
        out.append(Step(n, overflow, own))
    return out


def optimum(
    found: Sequence[Step], mean: float, usd_replica_hour: float, usd_displaced: float, variable: float = 0.0
) -> Optimum:
    """Return n* and costs; the smaller n on ties.

    `usd_displaced` is the API money that one fully used replica-hour saves, `variable` what a fully used
    replica-hour costs on top of its price.
    """
    costs = tuple(s.n * usd_replica_hour + variable * (mean - s.overflow) + usd_displaced * s.overflow for s in found)
    best = 0
    for index in range(1, len(costs)):
        if costs[index] < costs[best] - 1e-12 * max(1.0, abs(costs[best])):
            best = index
    return Optimum(found[best].n, costs[best], costs[0], costs)


def marginal(found: Sequence[Step], needed: float) -> int:
    """Return n* by the marginal rule: how many replicas are each used above the break-even utilisation."""
    return sum(1 for s in found if s.own is not None and s.own > needed + 1e-12)
