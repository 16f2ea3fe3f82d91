"""The hybrid: n replicas of our own, the rest to the API; n* is where the next replica would not pay; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.verdict.load import ceiling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ledger.verdict.load import Load

MIN_CHANGE_SHARE = 0.05
RESTART_MINUTES = 10.0


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


def steps(load: Load, n_max: int | None = None) -> list[Step]:
    """Return the steps n = 0 … ⌈peak⌉ + 1 of a load."""
    last = ceiling(load.peak) + 1 if n_max is None else n_max
    over = [load.overflow(n) for n in range(last + 1)]
    return [Step(n, over[n], over[n - 1] - over[n] if n else None) for n in range(last + 1)]


def optimum(
    found: Sequence[Step],
    mean: float,
    usd_replica_hour: float,
    usd_displaced: float,
    variable: float = 0.0,
    held: Callable[[int], float] | None = None,
) -> Optimum:
    """Return n* and costs; the smaller n on ties.

    `usd_displaced` is the API money that one fully used replica-hour saves, `variable` what a fully used replica-hour
    costs on top of its price. `held` gives the hourly cost of n replicas where they do not all cost the same (some are
    paid for already).
    """
    costs = tuple(
        (s.n * usd_replica_hour if held is None else held(s.n))
        + variable * (mean - s.overflow)
        + usd_displaced * s.overflow
        for s in found
    )
    best = 0
    for index in range(1, len(costs)):
        if costs[index] < costs[best] - 1e-12 * max(1.0, abs(costs[best])):
            best = index
    return Optimum(found[best].n, costs[best], costs[0], costs)


def marginal(found: Sequence[Step], needed: float) -> int:
    """Return n* by the marginal rule: how many replicas are each used above the break-even utilisation."""
    return sum(1 for s in found if s.own is not None and s.own > needed + 1e-12)


def continuous(load: Sequence[float], needed: float) -> float:
    """Return the (1 - break-even) quantile of a load, between order statistics: n* is its floor or ceiling."""
    ordered = sorted(load)
    at = (1 - min(1.0, max(0.0, needed))) * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])


@dataclass(frozen=True, slots=True)
class Schedule:
    """Replicas for each hour of the week, and what they cost with the starts in it, USD per hour."""

    replicas: tuple[int, ...]
    cost: float


def schedule(hours: Mapping[int, Load], usd_replica_hour: float, usd_displaced: float) -> Schedule:
    """Return the best replicas for each hour of the week; each added one pays ten minutes of start (economics 9.2)."""
    chosen, cost = [], 0.0
    for hour in range(168):
        load = hours.get(hour)
        found = optimum(steps(load), load.mean, usd_replica_hour, usd_displaced) if load else None
        chosen.append(found.n if found else 0)
        cost += found.cost if found else 0.0
    starts = sum(max(0, chosen[h] - chosen[h - 1]) for h in range(168))
    return Schedule(tuple(chosen), (cost + starts * RESTART_MINUTES / 60 * usd_replica_hour) / 168)


@dataclass(frozen=True, slots=True)
class Claim:
    """A workload that wants to run on a shared pool: mean load in replicas, API USD per hour of all of it."""

    workload: str
    load: float
    api_usd_hour: float

    @property
    def value(self) -> float:
        """API USD per replica-hour that it displaces."""
        return self.api_usd_hour / self.load if self.load > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Served:
    """What of a workload's load runs on the pool, and what its rest costs on the API, USD per hour."""

    workload: str
    served: float
    overflow_usd_hour: float


def merit_order(claims: Sequence[Claim], capacity: float) -> list[Served]:
    """Serve workloads in descending value until a pool is full, the last one partly (economics 11)."""
    out = []
    for claim in sorted(claims, key=lambda c: (-c.value, c.workload)):
        served = min(claim.load, capacity)
        capacity -= served
        share = served / claim.load if claim.load > 0 else 1.0
        out.append(Served(claim.workload, served, claim.api_usd_hour * (1 - share)))
    return out
