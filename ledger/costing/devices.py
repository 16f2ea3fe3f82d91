"""Which GPUs and MIG instances are in which pool, and which deployments they work for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from ledger.costing.declared import Declared
    from ledger.records import Deployment

NOBODY = 65_535
"""Owner of the part of a shared GPU that no deployment is given."""


@dataclass(slots=True)
class Unit:
    """What work can run on: a GPU, or a MIG instance with its part of one; seen from one hour to another."""

    gpu: str
    slice: str = ""
    share: float | None = None
    pods: set[str] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None

    @property
    def id(self) -> str:
        """UUID of the instance, or of the GPU."""
        return self.slice or self.gpu


@dataclass(slots=True)
class Devices:
    """Units by pool and id, and the pool of each host whose readings name none."""

    units: dict[str, dict[str, Unit]]
    nodes: dict[str, str]
    unpriced: list[tuple[str, str]]

    @classmethod
    def of(cls, rows: Iterable[dict[str, Any]], declared: Declared) -> Devices:
        """Place seen GPUs into pools; those of hosts that no pool names are `unpriced`: (host, GPU)."""
        units: dict[str, dict[str, Unit]] = defaultdict(dict)
        nodes: dict[str, str] = {}
        unpriced = []
        names = {pool.name for pool in declared.pools}
        for row in rows:
            pool = row["pool"] or pool_of(row["node"], declared)
            if not row["pool"] and pool:
                nodes[row["node"]] = pool
            if pool not in names:
                unpriced.append((row["node"], row["gpu"]))
            unit = units[pool].setdefault(row["slice"] or row["gpu"], Unit(row["gpu"], row["slice"]))
            unit.share = row["share"] if row["share"] is not None else unit.share
            unit.pods |= {row["pods"]} - {""}
            unit.first = min(unit.first or row["first"], row["first"])
            unit.last = max(unit.last or row["last"], row["last"])
        return cls(units, nodes, sorted(set(unpriced)))

    def gpus(self, pool: str) -> list[str]:
        """Return the GPUs of a pool that were seen, in order."""
        return sorted({unit.gpu for unit in self.units.get(pool, {}).values()})

    def instances(self, pool: str, gpu: str, hour: datetime) -> dict[str, float]:
        """Return the part of a GPU that each of its instances of an hour has; equal parts where nothing tells."""
        found = [
            unit for unit in self.units.get(pool, {}).values()
            if unit.gpu == gpu and unit.slice and unit.first and unit.last and unit.first <= hour <= unit.last
        ]  # fmt: skip
        return {unit.slice: 1 / len(found) if unit.share is None else unit.share for unit in found}

    def workplaces(self, pool: str) -> list[str]:
        """Return what deployments can run on: instances, and GPUs that are not cut into any."""
        units = self.units.get(pool, {}).values()
        cut = {unit.gpu for unit in units if unit.slice}
        return sorted(unit.id for unit in units if unit.slice or unit.gpu not in cut)


def pool_of(node: str, declared: Declared) -> str:
    """Return the pool that names a host, by itself or by a pattern with `*`; empty if none does."""
    return next((p.name for p in declared.pools if any(fnmatchcase(node, pattern) for pattern in p.nodes)), "")


def homes(declared: Declared, devices: Devices) -> list[list[str]]:
    """Return the units of each own deployment: named ones, those of its pods, else what is left of its pool."""
    own = declared.own
    named = {gpu for d in own for gpu in d.gpus}
    held = {d.name: _held(d, devices) for d in own}
    taken = named | {unit for units in held.values() for unit in units}
    out = []
    for one in own:
        size = next((pool.gpus for pool in declared.pools if pool.name == one.pool), 0)
        rest = [unit for unit in devices.workplaces(one.pool) if unit not in taken]
        rest += [f"unseen-{n}" for n in range(1, size - len(rest) + 1)]
        out.append([*one.gpus, *held[one.name]] if one.gpus or one.pods else rest)
    return out


def owners(declared: Declared, devices: Devices, places: list[list[str]]) -> dict[str, list[tuple[int, float]]]:
    """Return who works on what: `pool|unit` and `pool|p:pods` → (number of the deployment from 1, part of the unit).

    Several deployments on one GPU: their parts as declared, scaled down where they are more than the GPU; what is left
    is nobody's. By pods: each pod of a shared device has the same part; pods of no deployment are owner 0.
    """
    out: dict[str, list[tuple[int, float]]] = {}
    sharing: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, (one, units) in enumerate(zip(declared.own, places, strict=True), 1):
        for unit in units:
            sharing[one.pool, unit].append(number)
    for (pool, unit), numbers in sharing.items():
        parts = [declared.own[number - 1].gpu_share for number in numbers]
        whole = max(1.0, sum(parts))
        out[f"{pool}|{unit}"] = [(number, part / whole) for number, part in zip(numbers, parts, strict=True)]
        if sum(parts) < whole - 1e-9:
            out[f"{pool}|{unit}"].append((NOBODY, 1 - sum(parts) / whole))
    out.update(_by_pods(declared, devices))
    return out


def _held(one: Deployment, devices: Devices) -> list[str]:
    """Return the units that pods of a deployment held."""
    units = devices.units.get(one.pool, {}).values()
    return sorted(u.id for u in units if any(_is_of(one, pod) for pods in u.pods for pod in pods.split(",")))


def _by_pods(declared: Declared, devices: Devices) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    for pool, units in devices.units.items():
        for pods in sorted({pods for unit in units.values() for pods in unit.pods}):
            several = pods.split(",")
            found = [next((n for n, d in enumerate(declared.own, 1) if d.pool == pool and _is_of(d, pod)), 0)
                     for pod in several]  # fmt: skip
            if any(found):
                yield f"{pool}|p:{pods}", [(n, found.count(n) / len(found)) for n in sorted(set(found))]


def _is_of(one: Deployment, pod: str) -> bool:
    return any(fnmatchcase(pod, pattern) for pattern in one.pods)
