"""What the user declared, as the ledger needs it; kept with history whenever it changes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from ledger.records import Commitment, Deployment, FxRate, GpuRate, Overhead, SourceState, Workload

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ledger.store import Store


_FIRST_KINDS = ("rates", "overheads", "pools", "deployments", "workloads", "limits", "fx_rates")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that tell the states of a GPU apart (economics 18.1)."""

    unallocated_mem_gib: float = 1.0
    serving_low_below: float = 0.2
    idle_power_w: float = 140.0
    busy_util: float = 0.10


@dataclass(frozen=True, slots=True)
class Pool:
    """GPUs paid for by time; `nodes` are hosts whose samples carry no pool of their own."""

    name: str
    gpus: int
    nodes: tuple[str, ...] = ()
    spare: bool = False


@dataclass(frozen=True, slots=True)
class Declared:
    """Rates, overheads, pools, deployments and workloads in force; `reported`: providers whose own reports count."""

    rates: tuple[GpuRate, ...] = ()
    overheads: tuple[Overhead, ...] = ()
    pools: tuple[Pool, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    workloads: tuple[Workload, ...] = ()
    limits: Limits = Limits()
    fx_rates: tuple[FxRate, ...] = ()
    reported: tuple[str, ...] = ()
    commitments: tuple[Commitment, ...] = ()

    @property
    def own(self) -> tuple[Deployment, ...]:
        """Deployments on pools of our own."""
        return tuple(d for d in self.deployments if d.side == "self_hosted")

    def mark(self) -> str:
        """Return a hash of everything declared, whenever it was recorded.

        What is not declared is left out, but for the kinds of the first version: a program that knows one kind more
        must not take a store of an older one for declared by somebody else.
        """
        told = [
            f"{one.name}={getattr(self, one.name)!r}"
            for one in fields(self)
            if one.name in _FIRST_KINDS or getattr(self, one.name) != one.default
        ]
        return hashlib.sha256(f"Declared({', '.join(told)})".encode()).hexdigest()

    def with_capacities(self, measured: Iterable[dict[str, Any]]) -> Declared:
        """Return the same with stored capacities for deployments that are declared without figures."""
        found = {row["deployment"]: row for row in measured if row["grade"]}
        names = ("s_per_uncached", "s_per_cached", "s_per_output", "s_per_kv", "grade")
        return replace(self, deployments=tuple(
            replace(d, **{name: found[d.name][name] for name in names})
            if d.name in found and not (d.s_per_uncached or d.s_per_output) else d
            for d in self.deployments
        ))  # fmt: skip

    def rate_at(self, pool: str, hour: datetime) -> GpuRate | None:
        """Return the rate of a pool in force at an instant; the later declared one where two are."""
        found = [r for r in self.rates if r.pool == pool and r.valid_from <= hour < r.valid_to]
        return max(found, key=lambda r: r.valid_from, default=None)


def is_foreign(store: Store) -> bool:
    """Say whether the store was declared something by a configuration: who has none must not undeclare it."""
    seen = store.ask("ledger.store", "cursor", source="declared", name="mark")
    return bool(seen) and seen[0]["value"] != Declared().mark()


def record(store: Store, declared: Declared, as_of: datetime) -> bool:
    """Write the declarations if they differ from the last ones; return whether they did."""
    mark = declared.mark()
    seen = store.ask("ledger.store", "cursor", source="declared", name="mark")
    if seen and seen[0]["value"] == mark:
        return False
    kinds = (
        declared.rates, declared.overheads, declared.commitments, declared.deployments, declared.workloads,
        declared.fx_rates,
    )  # fmt: skip
    for kind in kinds:
        store.add([replace(row, recorded_at=as_of) for row in kind])
    store.add([SourceState("declared", "mark", mark)])
    return True
