"""Where the money of a pool goes: the bill of an hour split over what its GPUs did, then over who used them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ledger.costing.allocation import micro, split, usd
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
class _Slot:
    """One GPU of a pool in one hour: seconds by state, and the seconds of them that work fills."""

    gpu: str
    slice: str = ""
    node: str = ""
    deployment: str = ""
    states: dict[str, tuple[float, float]] = field(default_factory=dict)
    energy_wh: float | None = None

    def close(self) -> None:
        """Call the seconds that nothing speaks of unknown."""
        seen = sum(seconds for seconds, _ in self.states.values())
        if seen < HOUR_S - 1e-6:
            before = self.states.get("unknown", (0.0, 0.0))[0]
            self.states["unknown"] = (before + HOUR_S - seen, 0.0)


def pool_hours(store: Store, declared: Declared, hours: list[datetime]) -> tuple[list[CostHour], list[GpuHour]]:
    """Return money and GPU states of whole hours for every pool; parts of a pool's hour add up to its bill.

    Costs of a pool exist whether or not anything ran; a GPU that is paid for and never reported is `unknown`.
    """
    seen = _seen(store, declared, hours)
    parameters = _parameters(store, declared, hours, seen)
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
    owners: dict[tuple[datetime, str], list[dict[str, Any]]] = defaultdict(list)
    for row in works:
        owners[row["hour"], row["deployment"]].append(row)
    slots: dict[tuple[datetime, str], dict[tuple[str, str], _Slot]] = defaultdict(dict)
    for row in states:
        slot = slots[row["hour"], row["pool"]].setdefault(
            (row["gpu"], row["slice"]), _Slot(row["gpu"], row["slice"], deployment=row["deployment"])
        )
        slot.node = slot.node or row["node"]
        before = slot.states.get(row["state"], (0.0, 0.0))
        slot.states[row["state"]] = (before[0] + row["seconds"], before[1] + row["used_s"])
        if row["energy_wh"] is not None:
            slot.energy_wh = (slot.energy_wh or 0.0) + row["energy_wh"]
    costs: list[CostHour] = []
    gpus: list[GpuHour] = []
    for hour in hours:
        for pool in declared.pools:
            rate = declared.rate_at(pool.name, hour)
            if rate is None:
                continue
            found = list(slots[hour, pool.name].values())
            found += _silent(declared, pool, rate.gpus, found, seen[pool.name])
            bill = micro(rate.usd_per_gpu_hour * rate.gpus + _power(rate, found))
            more_costs, more_gpus = _split(hour, pool, bill, found, owners, declared)
            costs += more_costs
            gpus += more_gpus
    return costs, [*gpus, *_vanished(store, hours, gpus)]


def _power(rate: GpuRate, slots: list[_Slot]) -> Decimal:
    """Return what the power of a pool's hour costs, 0 where it is in the rate."""
    told = [slot for slot in slots if slot.energy_wh is not None]
    measured = sum(slot.energy_wh or 0.0 for slot in told)
    seen = sum(min(HOUR_S, sum(seconds for seconds, _ in slot.states.values())) for slot in told)
    silent = max(0.0, rate.gpus - seen / HOUR_S)  # a GPU that was read for a part of the hour drew power in all of it
    return energy_usd(measured, silent, rate.gpu_w or 0.0, rate.host_w, rate.usd_per_kwh)


def engine_hours(store: Store, names: dict[str, list[str]], hours: list[datetime]) -> list[tuple[int, str]]:
    """Return (hour, deployment) among hours for which only counters of model servers tell the work."""
    after = sorted({*hours, *(hour + _HOUR for hour in hours)})
    rows = store.ask(_PACKAGE, "engine_hours", around=hours, after=after, **names)
    return [(row["hour"], row["deployment"]) for row in rows]


def _split(
    hour: datetime,
    pool: Pool,
    bill: int,
    slots: list[_Slot],
    owners: dict[tuple[datetime, str], list[dict[str, Any]]],
    declared: Declared,
) -> tuple[list[CostHour], list[GpuHour]]:
    """Split one pool-hour over (GPU, state), each state into its money classes, used money over its owners."""
    for slot in slots:
        slot.close()
    cells = [(slot, state, *slot.states[state]) for slot in slots for state in sorted(slot.states)]
    amounts = split(bill, [seconds for _, _, seconds, _ in cells])
    capacities = {d.name: _has_capacity(d) for d in declared.own}
    models = {d.name: d.model for d in declared.own}
    totals: dict[tuple[str, str], int] = defaultdict(int)
    gpus = []
    for (slot, state, seconds, used_s), amount in zip(cells, amounts, strict=True):
        if seconds <= 0:
            continue
        gpus.append(
            GpuHour(
                hour,
                pool.name,
                slot.deployment,
                slot.node,
                slot.gpu,
                slot.slice,
                state,
                seconds,
                used_s,
                usd(amount),
                slot.energy_wh if state == max(slot.states, key=lambda s: slot.states[s][0]) else None,
            )
        )
        measured = capacities.get(slot.deployment, False)
        weights = _classes(state, seconds, used_s, spare=pool.spare, measured=measured)
        for name, part in zip(CLASSES, split(amount, weights), strict=True):
            totals[name, slot.deployment] += part
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


def _silent(declared: Declared, pool: Pool, size: int, found: list[_Slot], seen: list[str]) -> list[_Slot]:
    """Return slots for GPUs that are paid for and said nothing: known ones by name, then unseen ones."""
    homes = {gpu: d.name for d in declared.own if d.pool == pool.name for gpu in d.gpus}
    have = {slot.gpu for slot in found}
    known = [gpu for gpu in dict.fromkeys([*homes, *seen]) if gpu not in have]
    names = [*known, *(f"unseen-{n}" for n in range(1, size + 1))]
    return [_Slot(gpu, deployment=homes.get(gpu, "")) for gpu in names[: max(0, size - len(found))]]


def _vanished(store: Store, hours: list[datetime], gpus: list[GpuHour]) -> list[GpuHour]:
    keys = {(g.hour, g.pool, g.deployment, g.node, g.gpu, g.slice, g.state) for g in gpus}
    stored = store.ask(_PACKAGE, "own_gpu_hours", hours=hours)
    return [
        GpuHour(**row, seconds=0.0, used_s=0.0, usd=Decimal(0), energy_wh=None)
        for row in stored
        if tuple(row.values()) not in keys
    ]


def _seen(store: Store, declared: Declared, hours: list[datetime]) -> dict[str, list[str]]:
    """Return the GPUs of each pool that reported around some hours."""
    out: dict[str, list[str]] = defaultdict(list)
    span = {"from": hours[0] - _HOUR, "to": hours[-1] + _HOUR}
    for row in store.ask(_PACKAGE, "seen_gpus", **_placing(declared), **span):
        if row["gpu"] not in out[row["pool"]]:
            out[row["pool"]].append(row["gpu"])
    return out


def _placing(declared: Declared) -> dict[str, list[str]]:
    nodes = [(node, pool.name) for pool in declared.pools for node in pool.nodes]
    return {"nodes": [n for n, _ in nodes], "node_pools": [p for _, p in nodes]}


def _parameters(store: Store, declared: Declared, hours: list[datetime], seen: dict[str, list[str]]) -> dict[str, Any]:
    """Describe the deployments of our own as parallel arrays, the form in which the statements read them."""
    own = declared.own
    named = {gpu for d in own for gpu in d.gpus}
    gpus = []
    for one in own:
        size = next((pool.gpus for pool in declared.pools if pool.name == one.pool), 0)
        rest = [gpu for gpu in seen[one.pool] if gpu not in named]
        rest += [f"unseen-{n}" for n in range(1, size - len(rest) + 1)]
        gpus.append(list(one.gpus) or rest)
    first = {"names": [d.name for d in own], "models": [d.model for d in own]}
    coverage = {row["name"]: row for row in store.ask(_PACKAGE, "request_coverage", **first)}
    pools = {d.name: d.pool for d in own}
    spans: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name, row in coverage.items():
        spans[pools.get(name, "")].append(row)
    never = (hours[-1] + 2 * _HOUR, hours[0] - 2 * _HOUR)
    return {
        **first,
        **_placing(declared),
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
