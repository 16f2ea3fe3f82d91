"""Where the money of a pool goes: the bill of an hour split over what its GPUs did, then over who used them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ledger.costing.allocation import micro, split, usd
from ledger.costing.devices import Devices, homes, owners
from ledger.costing.ownership import energy_usd
from ledger.records import CostHour, GpuHour

if TYPE_CHECKING:
    from ledger.costing.declared import Declared, Pool
    from ledger.records import Deployment, GpuRate
    from ledger.store import Store

_PACKAGE = "ledger.costing"
_HOUR = timedelta(hours=1)
HOUR_S = 3600.0
CLASSES = (
    "gpu_used", "gpu_headroom", "gpu_warm_idle", "gpu_spare", "gpu_unallocated", "gpu_other_use",
    "gpu_held_unknown", "gpu_unknown",
)  # fmt: skip
"""Money classes of a pool, in the order in which ties of rounding are broken."""
IDLE_CLASSES = ("gpu_headroom", "gpu_warm_idle", "gpu_unallocated")


@dataclass(slots=True)
class _Gpu:
    """One GPU of a pool in one hour: seconds by (instance, deployment, state), and those of them that work fills."""

    gpu: str
    node: str = ""
    home: str = ""
    parts: dict[tuple[str, str, str], tuple[float, float]] = field(default_factory=dict)
    energy_wh: float | None = None

    def add(self, slice_: str, deployment: str, state: str, seconds: float, used_s: float = 0.0) -> None:
        """Add time to a part."""
        before = self.parts.get((slice_, deployment, state), (0.0, 0.0))
        self.parts[slice_, deployment, state] = (before[0] + seconds, before[1] + used_s)

    def close(self, instances: dict[str, float]) -> None:
        """Make the parts one hour: instances count by their part of the GPU; time that nothing speaks of is unknown."""
        if instances:
            self._cut(instances)
        seen = sum(seconds for seconds, _ in self.parts.values())
        if seen < HOUR_S - 1e-6:
            homes = {deployment for _, deployment, _ in self.parts if deployment} or {self.home}
            self.add("", homes.pop() if len(homes) == 1 else "", "unknown", HOUR_S - seen)

    def _cut(self, instances: dict[str, float]) -> None:
        """Replace what was read of a GPU cut into instances by them; what no instance has is unallocated.

        Instances made anew within the hour are more than the GPU: then the time they were read for counts, and
        what is left of the hour was the whole GPU's.
        """
        whole = sum(seconds for (slice_, _, _), (seconds, _) in self.parts.items() if not slice_)
        parts, self.parts = self.parts, {}
        for (slice_, deployment, state), (seconds, used_s) in parts.items():
            if slice_:
                part = instances.get(slice_, 0.0)
                self.add(slice_, deployment, state, seconds * part, used_s * part)
        taken = sum(instances.values())
        if taken <= 1 + 1e-6:
            for slice_, part in instances.items():
                told = {key: value[0] for key, value in self.parts.items() if key[0] == slice_}
                homes = {deployment for _, deployment, _ in told}
                missing = part * HOUR_S - sum(told.values())
                if missing > 1e-6:
                    self.add(slice_, homes.pop() if len(homes) == 1 else "", "unknown", missing)
            self.add("", "", "unallocated", max(0.0, 1 - taken) * whole)
        else:
            cut = sum(seconds for seconds, _ in self.parts.values())
            scale = min(1.0, HOUR_S / cut)
            self.parts = {key: (seconds * scale, used_s * scale) for key, (seconds, used_s) in self.parts.items()}
            before = min(whole, max(0.0, HOUR_S - cut)) / whole if whole else 0.0
            for key, (seconds, used_s) in parts.items():
                if not key[0] and before:
                    self.add(*key, seconds * before, used_s * before)


def pool_hours(store: Store, declared: Declared, hours: list[datetime]) -> tuple[list[CostHour], list[GpuHour]]:
    """Return money and GPU states of whole hours for every pool; parts of a pool's hour add up to its bill.

    Costs of a pool exist whether or not anything ran; a GPU that is paid for and never reported is `unknown`.
    """
    devices = _devices(store, declared, hours)
    parameters = _parameters(store, declared, hours, devices)
    around = sorted({*hours, *(h - _HOUR for h in hours), *(h - 2 * _HOUR for h in hours)})
    after = sorted({*hours, *(h + _HOUR for h in hours)})
    names = {name: parameters[name] for name in ("names", "models")}
    counted = engine_hours(store, names, around)
    limits = declared.limits
    states = store.ask(
        _PACKAGE, "gpu_states", hours=hours, around=around, after=after, **parameters,
        engine_hours=counted,
        idle_power_w=limits.idle_power_w, busy_util=limits.busy_util * 100,
        unallocated_mib=limits.unallocated_mem_gib * 1024, serving_low_below=limits.serving_low_below,
    )  # fmt: skip
    works = store.ask(
        _PACKAGE, "running", hours=hours, around=around, engine_hours=counted,
        **{k: parameters[k] for k in ("names", "models", "uncached", "cached", "output", "kv")},
    )  # fmt: skip
    owners_: dict[tuple[datetime, str], list[dict[str, Any]]] = defaultdict(list)
    for row in works:
        owners_[row["hour"], row["deployment"]].append(row)
    read = _read(states, devices)
    costs: list[CostHour] = []
    gpus: list[GpuHour] = []
    for hour in hours:
        for pool in declared.pools:
            rate = declared.rate_at(pool.name, hour)
            if rate is None:
                continue
            found = list(read[hour, pool.name].values())
            size = rate.gpus or len(found)  # a pool without a number has as many as were there
            found += _silent(declared, pool, size, found, devices.gpus(pool.name)) if rate.gpus else []
            bill = micro(rate.usd_per_gpu_hour * size + _power(rate, size, found, hour))
            for gpu in found:
                gpu.close(devices.instances(pool.name, gpu.gpu, hour))
            others = round(bill * rate.others_share)
            more_costs, more_gpus = _split(hour, pool, bill - others, found, owners_, declared)
            costs += more_costs
            gpus += more_gpus
            if others:
                costs.append(_cost(hour, pool.name, "", "", "node_others", usd(others), {}))
    return costs, [*gpus, *_vanished(store, hours, gpus)]


def _read(states: list[dict[str, Any]], devices: Devices) -> dict[tuple[datetime, str], dict[str, _Gpu]]:
    """Return what was read of each GPU by hour and pool; instances are parts of theirs."""
    out: dict[tuple[datetime, str], dict[str, _Gpu]] = defaultdict(dict)
    for row in states:
        unit = devices.units.get(row["pool"], {}).get(row["unit"])
        name, slice_ = (unit.gpu, unit.slice) if unit else (row["gpu"] or row["unit"], "")
        gpu = out[row["hour"], row["pool"]].setdefault(name, _Gpu(name))
        gpu.node = gpu.node or row["node"]
        gpu.add(slice_, row["deployment"], row["state"], row["seconds"], row["used_s"])
        if row["energy_wh"] is not None:
            gpu.energy_wh = (gpu.energy_wh or 0.0) + row["energy_wh"]
    return out


def _power(rate: GpuRate, size: int, gpus: list[_Gpu], hour: datetime) -> Decimal:
    """Return what the power of a pool's hour costs, 0 where it is in the rate."""
    told = [gpu for gpu in gpus if gpu.energy_wh is not None]
    measured = sum(gpu.energy_wh or 0.0 for gpu in told)
    seen = sum(min(HOUR_S, sum(part[0] for key, part in gpu.parts.items() if not key[0])) for gpu in told)
    silent = max(0.0, size - seen / HOUR_S)  # a GPU that was read for a part of the hour drew power in all of it
    return energy_usd(measured, silent, rate.gpu_w or 0.0, rate.host_w, rate.kwh_at(hour))


def engine_hours(store: Store, names: dict[str, list[str]], hours: list[datetime]) -> list[tuple[int, str]]:
    """Return (hour, deployment) among hours for which only counters of model servers tell the work."""
    after = sorted({*hours, *(hour + _HOUR for hour in hours)})
    rows = store.ask(_PACKAGE, "engine_hours", around=hours, after=after, **names)
    return [(row["hour"], row["deployment"]) for row in rows]


def _split(
    hour: datetime,
    pool: Pool,
    bill: int,
    found: list[_Gpu],
    owners: dict[tuple[datetime, str], list[dict[str, Any]]],
    declared: Declared,
) -> tuple[list[CostHour], list[GpuHour]]:
    """Split one pool-hour over (GPU, state), each state into its money classes, used money over its owners."""
    cells = [(gpu, *key, *gpu.parts[key]) for gpu in found for key in sorted(gpu.parts)]
    amounts = split(bill, [cell[-2] for cell in cells])
    capacities = {d.name: _has_capacity(d) for d in declared.own}
    models = {d.name: d.model for d in declared.own}
    totals: dict[tuple[str, str], int] = defaultdict(int)
    gpus = []
    for (gpu, slice_, deployment, state, seconds, used_s), amount in zip(cells, amounts, strict=True):
        if seconds <= 0:
            continue
        energy = gpu.energy_wh * seconds / HOUR_S if gpu.energy_wh is not None else None
        gpus.append(
            GpuHour(
                hour, pool.name, deployment, gpu.node, gpu.gpu, slice_, state, seconds, used_s, usd(amount), energy
            )
        )  # fmt: skip
        measured = capacities.get(deployment, False)
        weights = _classes(state, seconds, used_s, spare=pool.spare, measured=measured)
        for name, part in zip(CLASSES, split(amount, weights), strict=True):
            totals[name, deployment] += part
    costs = []
    for (name, deployment), part in totals.items():
        if not part:
            continue
        rows = owners.get((hour, deployment), []) if name == "gpu_used" else []
        parts = split(part, [row["work"] for row in rows])
        for row, money in zip(rows, parts, strict=True):
            if money:
                costs.append(_cost(hour, pool.name, deployment, models.get(deployment, ""), name, usd(money), row))
        if part - sum(parts):
            costs.append(_cost(hour, pool.name, deployment, "", name, usd(part - sum(parts)), {}))
    return costs, gpus


def _classes(state: str, seconds: float, used_s: float, *, spare: bool, measured: bool) -> list[float]:
    """Return the weights of the money classes of one state, in the order of CLASSES."""
    weights = dict.fromkeys(CLASSES, 0.0)
    if state in ("serving", "serving_low"):
        if measured:
            weights["gpu_used"], weights["gpu_headroom"] = used_s, max(0.0, seconds - used_s)
        else:  # it works, but nobody measured how much it could do
            weights["gpu_other_use"] = seconds
    elif state == "warm_idle" and spare:
        weights["gpu_spare"] = seconds
    else:
        weights["gpu_other_use" if state == "busy_other" else f"gpu_{state}"] = seconds
    return list(weights.values())


def _cost(
    hour: datetime, pool: str, deployment: str, model: str, name: str, money: Decimal, owner: dict[str, Any]
) -> CostHour:
    return CostHour(
        hour, "self_hosted", "own", model, deployment, pool, owner.get("workload", ""), owner.get("team", ""),
        owner.get("environment", ""), name, "usage" if name == "gpu_used" else "allocation", "booked", money,
    )  # fmt: skip


def _has_capacity(deployment: Deployment) -> bool:
    return deployment.s_per_uncached > 0 or deployment.s_per_output > 0


def _silent(declared: Declared, pool: Pool, size: int, found: list[_Gpu], seen: list[str]) -> list[_Gpu]:
    """Return GPUs that are paid for and said nothing: known ones by name, then unseen ones."""
    home = {gpu: d.name for d in declared.own if d.pool == pool.name for gpu in d.gpus}
    have = {gpu.gpu for gpu in found}
    named = [gpu for gpu in home if not gpu.startswith("MIG-") and "/" not in gpu]
    known = [gpu for gpu in dict.fromkeys([*named, *seen]) if gpu not in have]
    names = [*known, *(f"unseen-{n}" for n in range(1, size + 1))]
    return [_Gpu(gpu, home=home.get(gpu, "")) for gpu in names[: max(0, size - len(found))]]


def _vanished(store: Store, hours: list[datetime], gpus: list[GpuHour]) -> list[GpuHour]:
    keys = {(g.hour, g.pool, g.deployment, g.node, g.gpu, g.slice, g.state) for g in gpus}
    stored = store.ask(_PACKAGE, "own_gpu_hours", hours=hours)
    return [
        GpuHour(**row, seconds=0.0, used_s=0.0, usd=Decimal(0), energy_wh=None)
        for row in stored
        if tuple(row.values()) not in keys
    ]


def _devices(store: Store, declared: Declared, hours: list[datetime]) -> Devices:
    """Return the GPUs that reported around some hours."""
    span = {"from": hours[0] - _HOUR, "to": hours[-1] + _HOUR}
    return Devices.of(store.ask(_PACKAGE, "seen_gpus", **span), declared)


def unpriced(store: Store, declared: Declared, as_of: datetime) -> list[tuple[str, str]]:
    """Return (host, GPU) of the last day that report and that no pool pays for: their cost is unknown, not 0."""
    hour = as_of.replace(minute=0, second=0, microsecond=0)
    return _devices(store, declared, [hour - 23 * _HOUR, hour]).unpriced


def _parameters(store: Store, declared: Declared, hours: list[datetime], devices: Devices) -> dict[str, Any]:
    """Describe the deployments of our own as parallel arrays, the form in which the statements read them."""
    own = declared.own
    gpus = homes(declared, devices)
    placed = owners(declared, devices, gpus)
    first = {"names": [d.name for d in own], "models": [d.model for d in own]}
    coverage = {row["name"]: row for row in store.ask(_PACKAGE, "request_coverage", **first)}
    pools = {d.name: d.pool for d in own}
    spans: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name, row in coverage.items():
        spans[pools.get(name, "")].append(row)
    never = (hours[-1] + 2 * _HOUR, hours[0] - 2 * _HOUR)
    return {
        **first,
        "nodes": list(devices.nodes),
        "node_pools": list(devices.nodes.values()),
        "keys": list(placed),
        "owners": [[number for number, _ in parts] for parts in placed.values()],
        "weights": [[weight for _, weight in parts] for parts in placed.values()],
        "pools": [d.pool for d in own],
        "gpus": gpus,
        "replicas": [len(g) / max(1, d.gpus_per_replica) for d, g in zip(own, gpus, strict=True)],
        "known": [int(_has_capacity(d)) for d in own],
        "uncached": [d.s_per_uncached for d in own],
        "cached": [d.s_per_cached for d in own],
        "output": [d.s_per_output for d in own],
        "kv": [d.s_per_kv for d in own],
        "covered_from": [min((s["first"] for s in spans[d.pool]), default=never[0]) for d in own],
        "covered_to": [max((s["last"] for s in spans[d.pool]), default=never[1]) for d in own],
    }
