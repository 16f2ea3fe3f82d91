"""Break-even: the utilisation and the volumes above which owning pays, in whole replicas; pure."""

from __future__ import annotations

from dataclasses import dataclass


def needed_share(usd_replica_hour: float, usd_displaced: float, variable: float = 0.0) -> float | None:
    """Return the break-even utilisation of a replica; None if no utilisation pays.

    `usd_displaced` is the API money of the work that one replica does in an hour when fully used.
    """
    gain = usd_displaced - variable
    return usd_replica_hour / gain if gain > 0 else None


def displaced(api_usd: float, replica_seconds: float) -> float | None:
    """Return the API USD that a fully used replica-hour of this mix displaces; None without work."""
    return api_usd / (replica_seconds / 3600) if replica_seconds > 0 else None


def utilisation(usage_unit_cost: float, allocation_unit_cost: float) -> float | None:
    """Return usage over allocation basis: the share of the money that did work."""
    return usage_unit_cost / allocation_unit_cost if allocation_unit_cost > 0 else None


def cost_only(api: float, self_low: float, self_high: float) -> str:
    """Return api, self_hosted or depends_on_gpu_price from point costs alone; a tie stays on the API."""
    if api <= self_low:
        return "api"
    return "self_hosted" if api > self_high else "depends_on_gpu_price"


@dataclass(frozen=True, slots=True)
class Volumes:
    """Open intervals of tokens a month in which owning is strictly cheaper, and the volumes of exact ties."""

    intervals: tuple[tuple[float, float], ...]
    ties: tuple[float, ...]

    @property
    def first(self) -> float | None:
        """Smallest volume above which owning pays; None = never on this box."""
        return self.intervals[0][0] if self.intervals else None


def volumes(
    tokens_replica_month: float,
    usd_mtok: float,
    usd_replica_month: float,
    usd_fixed_month: float,
    replicas: int,
) -> Volumes:
    """Return where owning 1 … `replicas` replicas is cheaper than the API at `usd_mtok` (net of variable cost)."""
    found: list[tuple[float, float]] = []
    ties = []
    if usd_mtok <= 0:
        return Volumes((), ())
    for n in range(1, replicas + 1):
        even = (n * usd_replica_month + usd_fixed_month) / usd_mtok * 1e6
        floor, top = (n - 1) * tokens_replica_month, n * tokens_replica_month
        if floor < even <= top:
            ties.append(even)
        low = max(even, floor)
        if low >= top:
            continue
        if found and found[-1][1] == low:
            found[-1] = (found[-1][0], top)
        else:
            found.append((low, top))
    return Volumes(tuple(found), tuple(ties))
