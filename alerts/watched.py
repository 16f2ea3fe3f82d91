"""What the rules look at: values computed from the ledger up to an instant."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import fmean
from typing import TYPE_CHECKING

from alerts.budgets import QUIET_SHARE, Budget, stand
from ledger.costing import report
from ledger.costing.expected import WEEK, AnomalyLimits, unusual
from ledger.costing.idleness import IdleLimits, Window, standing
from ledger.records import signal
from ledger.verdict.load import pool_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ledger.records import Signal
    from ledger.store import Store

_PACKAGE = "alerts.signals"
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
MONTH_H = 720
LATE_H = 3
"""Hours after midnight before a day counts as complete: late rows are in by then."""
UNALLOCATED_SHARE = 0.999
ABANDONED_H, ABANDONED_WEEKLY_H, RHYTHM_WEEKS = 24, 168, 3
BACK_DAYS = 90
UNKNOWN = math.nan
"""A figure that nobody knows: the text says so, and no message carries it as a number."""
ALL_API = "all API spend"


@dataclass(frozen=True, slots=True)
class Watch:
    """What the configuration says of alerts."""

    budgets: tuple[Budget, ...] = ()
    anomaly: AnomalyLimits = field(default_factory=AnomalyLimits)
    idle: IdleLimits = field(default_factory=IdleLimits)
    spares: frozenset[str] = frozenset()


def values(store: Store, group: str, watch: Watch, at: datetime) -> list[Signal]:
    """Return the values of one group's rules at an instant; an episode that is over is told as 0."""
    found = [one for compute in _GROUPS[group] for one in compute(store, watch, at)]
    return [*found, *_over(store, group, found, at)]


def _over(store: Store, group: str, found: Sequence[Signal], at: datetime) -> list[Signal]:
    """Return a 0 for every series that was above it and is no longer there: recovery is a value, not an absence."""
    here = {(one.rule, one.series) for one in found}
    last = store.ask(_PACKAGE, "latest", rules=list(LATCHED[group]), to=at)
    return [
        signal(row["rule"], at, 0.0, row["labels"], **row["figures"])
        for row in last if (row["rule"], row["series"]) not in here
    ]  # fmt: skip


def advice(store: Store, _: Watch, at: datetime) -> Iterable[Signal]:
    """Yield moves that are recommended, and moves that are to be taken back within 90 days."""
    for row in store.ask(_PACKAGE, "advised", to=at):
        if row["state"] != "recommend" or not row["candidate"]:
            continue
        details, to_side = json.loads(row["details"]), row["candidate"].split("|")[0]
        bound, payback = details.get("bound") or {}, details.get("payback") or {}
        saving = 30 * bound.get("mean", 0.0)
        labels = {"workload": row["workload"], "from_side": row["current"], "to_side": to_side}
        moved = row["moved"]
        if moved and moved.year > 2000 and (at.date() - moved).days <= BACK_DAYS:
            yield signal("switch_back", at, saving, labels, extra=saving)
        else:
            yield signal(
                "switch_pays", at, saving, labels, saving=saving, low=30 * bound.get("lower", UNKNOWN),
                high=30 * bound.get("upper", UNKNOWN),
                payback_days=UNKNOWN if payback.get("months") is None else 30 * payback["months"],
            )  # fmt: skip


def price_changes(store: Store, _: Watch, at: datetime) -> Iterable[Signal]:
    """Yield models in use whose price changed in the last 24 hours."""
    for row in store.ask(_PACKAGE, "price_changes", to=at):
        labels = {"provider": row["provider"], "model": row["model"]}
        yield signal("price_change", at, 1.0, labels, effect=UNKNOWN if row["effect"] is None else row["effect"])


def budgets(store: Store, watch: Watch, at: datetime) -> Iterable[Signal]:
    """Yield thresholds that are reached, in each budget's own window, and forecasts over it."""
    for budget in watch.budgets:
        found = stand(store, budget, at)
        limit, spent = float(budget.usd), float(found.spent)
        forecast = UNKNOWN if found.forecast is None else float(found.forecast)
        numbers = {"spent": spent, "limit": limit, "forecast": forecast}
        for level in budget.thresholds:
            labels = {"budget": budget.name, "level": f"{level:.0%}"}
            yield signal("budget_spent", at, float(level * limit <= spent < limit), labels, **numbers)
        labels = {"budget": budget.name}
        yield signal("budget_exceeded", at, float(spent >= limit), labels, **numbers)
        early = found.passed < QUIET_SHARE or found.forecast is None
        yield signal("budget_forecast", at, 0.0 if early else forecast / limit, labels, **numbers)


def anomalies(store: Store, watch: Watch, at: datetime) -> Iterable[Signal]:
    """Yield the last complete day against the days before it, in all and by workload."""
    end = (at - timedelta(hours=LATE_H)).replace(hour=0, minute=0, second=0, microsecond=0)
    first = end - 57 * _DAY
    by_scope: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for row in store.ask(_PACKAGE, "daily_spend", **{"from": first, "to": end}):
        day = (row["day"] - first.date()).days
        for scope in (ALL_API, row["workload"] or "no workload"):
            by_scope[scope][day] += float(row["usd"])
    for scope, days in by_scope.items():
        begun = min(days)
        series = [days.get(d, 0.0) for d in range(begun, 57)]
        found = unusual(series[:-1], series[-1], watch.anomaly)
        if found is None:
            continue
        value = series[-1] / found.expected if found.flag else 0.0
        yield signal(
            "spend_anomaly", end, value, {"scope": scope}, actual=series[-1], expected=found.expected, z=found.z
        )


def spike(store: Store, watch: Watch, at: datetime) -> Iterable[Signal]:
    """Yield the highest that today's spend stood above the same weekdays by any hour so far; held to midnight (UTC)."""
    now, midnight = at.replace(minute=0, second=0, microsecond=0), at.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = store.ask(_PACKAGE, "hourly_spend", **{"from": midnight - 28 * _DAY, "to": now})
    hours = {row["hour"]: float(row["usd"]) for row in rows}
    days = [midnight - k * WEEK * _DAY for k in (1, 2, 3, 4)]
    usable = [day for day in days if any(day + h * _HOUR in hours for h in range(24))]
    worst, spent, expected = 0.0, 0.0, 0.0
    for hour in range(int((now - midnight) / _HOUR)):
        spent += hours.get(midnight + hour * _HOUR, 0.0)
        expected += fmean(hours.get(day + hour * _HOUR, 0.0) for day in usable) if usable else 0.0
        enough = len(usable) >= 3 and spent - expected >= watch.anomaly.min_usd
        if enough:
            worst = max(worst, min(spent / max(expected, 1e-9), 1e6))
    yield signal("spend_spike", at, worst, {"scope": ALL_API}, spent=spent, expected=expected)


def waste(store: Store, _: Watch, at: datetime) -> Iterable[Signal]:
    """Yield the share of money that failed and repeated attempts took in six hours."""
    for row in store.ask(_PACKAGE, "wasted", to=at.replace(minute=0, second=0, microsecond=0)):
        wasted, spent = float(row["wasted"]), float(row["spent"])
        labels = {"workload": row["workload"], "provider": row["provider"]}
        yield signal("wasted_spend", at, wasted / spent, labels, wasted=wasted, spent=spent)


def bills(store: Store, _: Watch, at: datetime) -> Iterable[Signal]:
    """Yield how far the last final month of each account is from what was metered."""
    for row in store.ask(_PACKAGE, "bills", to=at):
        labels = {"provider": row["provider"], "account": row["account"], "month": row["month"]}
        billed, metered = float(row["billed"]), float(row["metered"])
        yield signal("invoice_gap", at, abs(float(row["residual"])) / billed, labels, billed=billed, metered=metered)


def pools(store: Store, watch: Watch, at: datetime) -> Iterable[Signal]:
    """Yield unused capacity and telemetry gaps of pools; a gap replaces the idle alert."""
    windows: dict[str, list[Window]] = defaultdict(list)
    usd: dict[str, tuple[float, float]] = {}
    for hours in (24, 168):
        for one in report.idle(store, at, hours):
            windows[one.pool].append(one.window)
            usd.setdefault(one.pool, (one.window.unused_usd_day, one.window.used_share or 0.0))
    was = _on(store, ("idle_cost", "telemetry_gap"), at)
    for pool, found in windows.items():
        before = next((rule for rule in ("telemetry_gap", "idle_cost") if (rule, pool) in was), "")
        alert = {"idle_cost": "underused"}.get(before, before)
        now = standing(found, watch.idle, spare=pool in watch.spares, was=alert).alert
        unknown = found[0].unknown_share or 0.0
        usd_day, share = usd[pool]
        labels = {"pool": pool}
        yield signal("idle_cost", at, usd_day if now == "underused" else 0.0, labels, usd_day=usd_day, used_share=share)
        yield signal("telemetry_gap", at, unknown, labels, unknown_share=unknown)


def gpus(store: Store, watch: Watch, at: datetime) -> Iterable[Signal]:
    """Yield GPUs that are paid for and empty, or loaded with a model that nobody asks; spares and gaps are left out."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    for row in store.ask(_PACKAGE, "gpu_states", to=hour):
        if row["pool"] in watch.spares:
            continue
        quiet, empty = row["quiet_hours"], row["empty_hours"]
        needed = ABANDONED_WEEKLY_H if row["weeks"] >= RHYTHM_WEEKS else ABANDONED_H
        kind, hours = "", 0
        if row["empty_now"] >= UNALLOCATED_SHARE and empty >= 1:
            kind, hours = "unallocated", empty
        elif row["loaded_now"] > 0 and quiet >= needed:
            kind, hours = "abandoned", quiet
        if kind:
            labels, usd_day = {"node": row["node"], "gpu": row["device"], "kind": kind}, 24 * row["usd_hour"]
            yield signal("idle_gpu", hour, usd_day, labels, usd_day=usd_day, idle_s=3600.0 * hours)


def replicas(store: Store, _: Watch, at: datetime) -> Iterable[Signal]:
    """Yield pools with more replicas than 7 days needed: the peak of ten seconds at the planned share, and a spare."""
    more: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for row in store.ask(_PACKAGE, "needed_replicas", to=at.replace(minute=0, second=0, microsecond=0)):
        surplus = max(0, math.floor(row["running"]) - pool_size(row["peak"]))
        number, usd = more[row["pool"]]
        more[row["pool"]] = (number + surplus, usd + surplus * row["usd_hour"] * MONTH_H)
    for pool, (number, usd) in more.items():
        yield signal("consolidate", at, float(number), {"pool": pool}, usd_month=usd)


def servers(store: Store, _: Watch, at: datetime) -> Iterable[Signal]:
    """Yield how full model servers are."""
    for row in store.ask(_PACKAGE, "saturation", to=at):
        labels = {"pool": row["pool"], "model": row["model"]}
        yield signal(
            "gpu_saturated",
            at,
            row["level"],
            labels,
            waiting=row["waiting"],
            kv_used=UNKNOWN if row["kv_used"] is None else row["kv_used"],
        )


def hosts(store: Store, _: Watch, at: datetime) -> Iterable[Signal]:
    """Yield how long hosts have been silent, how far their clocks are ahead, and readings that contradict requests."""
    for row in store.ask(_PACKAGE, "nodes", to=at):
        labels = {"node": row["node"]}
        yield signal("node_missing", at, row["minutes"], labels, minutes=row["minutes"])
        yield signal("clock_skew", at, row["ahead_s"], labels, seconds=row["ahead_s"])
    for row in store.ask(_PACKAGE, "contradictions", to=at):
        labels = {"node": row["node"], "gpu": row["gpu"], "field": "utilisation"}
        yield signal("exporters_disagree", at, float(row["hours"]), labels, hours=float(row["hours"]))


def ledger(store: Store, _: Watch, at: datetime) -> Iterable[Signal]:
    """Yield what keeps figures from being whole: silent sources, missing prices, refused rows, failing jobs."""
    for row in store.ask(_PACKAGE, "sources", to=at):
        ratio = row["age_s"] / row["period_s"]
        yield signal("source_stale", at, ratio, {"source": row["source"]}, age_hours=row["age_s"] / 3600)
    for row in store.ask(_PACKAGE, "unpriced", to=at):
        labels = {"provider": row["provider"], "model": row["model"]}
        yield signal("unpriced_usage", at, float(row["tokens"]), labels, tokens=float(row["tokens"]))
    for row in store.ask(_PACKAGE, "rejections", to=at):
        numbers = {"rejected": float(row["rejected"]), "received": float(row["received"])}
        share = numbers["rejected"] / numbers["received"]
        yield signal("rows_rejected", at, share, {"source": row["source"]}, **numbers)
    for row in store.ask(_PACKAGE, "jobs", to=at):
        yield signal("job_failing", at, float(row["failures"]), {"job": row["job"]}, failures=float(row["failures"]))
    for row in store.ask(_PACKAGE, "given_up", to=at):
        yield signal("notify_failing", at, float(row["n"]), {"channel": row["channel"]}, given_up=float(row["n"]))
    for row in store.ask(_PACKAGE, "rollup", to=at):
        differs = abs(float(row["facts"] or 0) - float(row["rollup"] or 0))
        value = differs if differs > 1e-6 else 0.0
        yield signal("ledger_rollup", at, value, {"table": "usage_hourly"}, usd=differs)
    for row in store.ask(_PACKAGE, "book_age", to=at):
        yield signal("price_book_stale", at, row["days"], {"source": "genai-prices"}, days=row["days"])


def _on(store: Store, rules: Sequence[str], at: datetime) -> set[tuple[str, str]]:
    """Return (rule, pool) of pools whose last value said that an episode is on; a gap is one above its recovery."""
    rows = store.ask(_PACKAGE, "latest", rules=list(rules), to=at - timedelta(seconds=1))
    limits = {"telemetry_gap": IdleLimits().max_unknown, "idle_cost": 0.0}
    return {(row["rule"], row["labels"]["pool"]) for row in rows if row["value"] > limits[row["rule"]]}


_GROUPS: Mapping[str, tuple[Callable[[Store, Watch, datetime], Iterable[Signal]], ...]] = {
    "verdict": (advice, price_changes),
    "spend": (budgets, anomalies, spike, waste, bills),
    "gpu": (pools, gpus, replicas, servers, hosts),
    "data": (ledger,),
}
LATCHED: Mapping[str, tuple[str, ...]] = {
    "verdict": ("switch_pays", "switch_back", "price_change"),
    "spend": ("wasted_spend", "invoice_gap"),
    "gpu": ("idle_gpu", "consolidate", "gpu_saturated", "exporters_disagree"),
    "data": ("unpriced_usage", "rows_rejected", "notify_failing", "job_failing"),
}
"""Rules whose episodes end by a 0 where nothing is told of them any more."""
