"""What verdicts rest on, by workload and complete UTC day: traffic, its cost on every option, its load on every box."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ledger.verdict import coverage
from ledger.verdict.load import Load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ledger.costing.declared import Declared
    from ledger.prices.register import PriceRegister
    from ledger.records import Deployment, Workload
    from ledger.store import Store

_PACKAGE = "ledger.verdict"
_DAY = timedelta(days=1)
DAY_S = 86_400
BUCKET_S = 10
_CHUNK_DAYS = 2
MIN_PREFIX = 1024
"""Tokens from which an own prefix hit may be a cache read at a provider."""
SUNK = ("owned", "committed")
"""Kinds of pools whose money is spent until their term ends, whether traffic runs there or not."""


@dataclass(frozen=True, slots=True)
class Priced:
    """Traffic of a day on an API: USD, USD if own prefix hits are cache reads, attempts and those without a price."""

    usd: float = 0.0
    usd_low: float = 0.0
    missing: int = 0
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Box:
    """An own deployment as its price stands now: USD of a replica-hour, all of it and what of it is avoidable.

    `replicas` is how many the pool has, paid for already where its money is sunk, for `months_left` of 30 days.
    """

    deployment: Deployment
    usd_hour: float | None
    usd_power: float
    fixed_month: float
    replicas: int
    sunk: bool
    months_left: int = 0


@dataclass(slots=True)
class History:
    """One workload's complete days, the oldest first; every list has one entry a day.

    `others`: mean load in replicas that other workloads have on each own deployment now.
    """

    workload: Workload
    start: datetime
    days: int
    covered: list[float]
    traffic: list[dict[str, int]]
    billed: list[Priced]
    own_usd: float | None
    api: dict[str, list[Priced]] = field(default_factory=dict)
    load: dict[str, list[Load]] = field(default_factory=dict)
    others: dict[str, float] = field(default_factory=dict)

    def day(self, index: int) -> datetime:
        """Return the midnight at which a day begins."""
        return self.start + index * _DAY


def boxes(declared: Declared, as_of: datetime) -> dict[str, Box]:
    """Return every own deployment with its price in force."""
    out = {}
    for one in declared.own:
        rate = declared.rate_at(one.pool, as_of)
        fixed = sum(
            float(o.amount) for o in declared.overheads
            if o.side == "self_hosted" and o.unit == "usd_per_month" and o.pool in ("", one.pool)
            and o.valid_from <= as_of < o.valid_to
        )  # fmt: skip
        size = max(1, one.gpus_per_replica)
        out[one.name] = Box(
            one, float(rate.planned) * size if rate else None, float(rate.planned_power) * size if rate else 0.0, fixed,
            (len(one.gpus) or rate.gpus) // size if rate else 0, bool(rate and rate.kind in SUNK),
            int((rate.valid_to - as_of).days / 30) if rate else 0,
        )  # fmt: skip
    return out


def read(
    store: Store,
    prices: PriceRegister,
    declared: Declared,
    as_of: datetime,
    days: int,
    *,
    widths: Mapping[str, int] | None = None,
    names: Iterable[str] = (),
) -> dict[str, History]:
    """Return the history of every declared workload (or of those named) over its last complete days, at most `days`."""
    end = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = [w for w in declared.workloads if not names or w.name in set(names)]
    firsts = {row["workload"]: row["first"] for row in store.ask(_PACKAGE, "first_days")}
    begin = end - days * _DAY
    starts = {w.name: _begin(firsts.get(w.name), begin, end) for w in wanted}
    first = min(starts.values(), default=end)
    out = {w.name: _empty(w, starts[w.name], end) for w in wanted}
    for api in (d for d in declared.deployments if d.side == "api"):
        for history in out.values():
            if api.name in history.workload.deployments:
                history.api[api.name] = [Priced()] * history.days
    if first >= end or not wanted:
        return out
    span = {"from": first, "to": end}
    _traffic(store, out, span)
    own_work = store.ask(_PACKAGE, "own_work", **{"from": max(first, end - 28 * _DAY), "to": end})
    for one in out.values():
        one.own_usd = _own_usd(one.workload.name, own_work, declared, as_of)
        one.others = _others(one.workload.name, own_work, declared, (end - max(first, end - 28 * _DAY)).total_seconds())
    _priced(store, prices, declared, out, span, as_of)
    _loads(store, declared, out, span, widths or {})
    return out


def _empty(workload: Workload, start: datetime, end: datetime) -> History:
    days = round((end - start) / _DAY)
    return History(workload, start, days, [0.0] * days, [defaultdict(int) for _ in range(days)], [Priced()] * days, 0.0)


def _begin(first: datetime | None, start: datetime, end: datetime) -> datetime:
    """Return the first complete day of a workload within the window."""
    if first is None:
        return end
    day = first.replace(hour=0)
    if first != day:
        day += _DAY
    return min(max(day, start), end)


def _traffic(store: Store, out: dict[str, History], span: dict[str, datetime]) -> None:
    hours: dict[str, dict[int, int]] = defaultdict(dict)
    for row in store.ask(_PACKAGE, "traffic", **span):
        one = out.get(row["workload"])
        if one is None or row["hour"] < one.start:
            continue
        at = round((row["hour"] - one.start).total_seconds()) // 3600
        hours[row["workload"]][at] = row["requests"]
        day = one.traffic[at // 24]
        for name, value in row.items():
            if name not in ("workload", "hour"):
                day[name] += value
    for name, one in out.items():
        counts = [hours[name].get(h, 0) for h in range(24 * one.days)]
        gone = coverage.missing(counts)
        one.covered = [1 - sum(h in gone for h in range(24 * d, 24 * d + 24)) / 24 for d in range(one.days)]


def _others(name: str, rows: list[dict[str, Any]], declared: Declared, seconds: float) -> dict[str, float]:
    """Return the mean load in replicas that other workloads have on each own deployment."""
    out: dict[str, float] = defaultdict(float)
    for one in declared.own:
        for row in rows:
            if row["side"] == "self_hosted" and row["deployment"] == one.name and row["workload"] != name:
                work = one.s_per_uncached * row["uncached"] + one.s_per_cached * row["cached"]
                out[one.name] += (work + one.s_per_output * row["output"] + one.s_per_kv * row["kv2"] / 2) / seconds
    return out


def _own_usd(name: str, rows: list[dict[str, Any]], declared: Declared, as_of: datetime) -> float | None:
    """Return what a day of a workload costs avoidably on our GPUs now: its share of each pool by work; None unknown."""
    usd = 0.0
    for box in boxes(declared, as_of).values():
        one = box.deployment
        work = {
            row["workload"]: (one.s_per_uncached or 1.0) * row["uncached"] + one.s_per_cached * row["cached"]
            + (one.s_per_output or 4.0) * row["output"] + one.s_per_kv * row["kv2"] / 2
            for row in rows if row["side"] == "self_hosted" and row["deployment"] == one.name
        }  # fmt: skip
        if not work.get(name):
            continue
        if box.usd_hour is None:
            return None
        hourly = box.usd_power if box.sunk else box.usd_hour
        usd += work[name] / sum(work.values()) * max(box.replicas, 1) * hourly * 24
    return usd


def _priced(
    store: Store,
    prices: PriceRegister,
    declared: Declared,
    out: dict[str, History],
    span: dict[str, datetime],
    as_of: datetime,
) -> None:
    names = [(d.provider, d.model, "standard", "") for d in declared.deployments if d.side == "api"]
    prices.resolve(names, as_of)
    for row in store.ask(_PACKAGE, "billed_days", workloads=list(out), as_of=as_of, **span):
        _put(out[row["workload"]], row, out[row["workload"]].billed, row["usd"])
    for one in (d for d in declared.deployments if d.side == "api"):
        asking = [h for h in out.values() if one.name in h.workload.deployments]
        if not asking:
            continue
        rows = store.ask(
            _PACKAGE, "replay_days", workloads=[h.workload.name for h in asking],
            ratios=[h.workload.token_ratio for h in asking], provider=one.provider, model=one.model, as_of=as_of,
            min_prefix=MIN_PREFIX, **span,
        )  # fmt: skip
        for row in rows:
            history = out[row["workload"]]
            _put(history, row, history.api[one.name], row["usd_low"])


def _put(history: History, row: dict[str, Any], days: list[Priced], low: float) -> None:
    at = (row["day"] - history.start.date()).days
    if 0 <= at < history.days:
        days[at] = Priced(float(row["usd"]), float(low), row["missing"], row["attempts"])


def _loads(
    store: Store, declared: Declared, out: dict[str, History], span: dict[str, datetime], widths: Mapping[str, int]
) -> None:
    for width in sorted({widths.get(name, BUCKET_S) for name in out}):
        part = [history for name, history in out.items() if widths.get(name, BUCKET_S) == width]
        pairs = [
            (h, d) for h in part for d in declared.own
            if d.name in h.workload.deployments and (d.s_per_uncached > 0 or d.s_per_output > 0)
        ]  # fmt: skip
        if pairs:
            _loads_of(store, pairs, span, width)


def _loads_of(store: Store, pairs: list[tuple[History, Deployment]], span: dict[str, datetime], width: int) -> None:
    """Read the load of (workload, deployment) pairs, those of one workload beside each other."""
    names = list(dict.fromkeys(h.workload.name for h, _ in pairs))
    owners = [h.workload.name for h, _ in pairs]
    given = {
        "uncached": [d.s_per_uncached for _, d in pairs], "cached": [d.s_per_cached for _, d in pairs],
        "output": [d.s_per_output for _, d in pairs], "kv": [d.s_per_kv for _, d in pairs],
        "workloads": names, "starts": [owners.index(name) + 1 for name in names],
        "counts": [owners.count(name) for name in names], "width": width,
    }  # fmt: skip
    told: dict[tuple[int, date], list[dict[str, Any]]] = defaultdict(list)
    at = span["from"]
    while at < span["to"]:  # the load of all workloads by ten seconds would not fit into memory at once
        until = min(at + _CHUNK_DAYS * _DAY, span["to"])
        for row in store.ask(_PACKAGE, "load_days", **given, **{"from": at, "to": until}):
            told[row["pair"], row["day"]].append(row)
        at = until
    for number, (history, one) in enumerate(pairs, 1):
        first = history.start.date()
        history.load[one.name] = [_load(told[number, first + d * _DAY], DAY_S / width) for d in range(history.days)]


def hours_of_week(store: Store, history: History, one: Deployment, width: int = BUCKET_S) -> dict[int, Load]:
    """Return the load of a workload on an own deployment by hour of the week (UTC), over its last four weeks."""
    end = history.day(history.days)
    rows = store.ask(
        _PACKAGE, "load_hours", workload=history.workload.name, width=width, uncached=one.s_per_uncached,
        cached=one.s_per_cached, output=one.s_per_output, kv=one.s_per_kv,
        **{"from": max(history.start, end - 28 * _DAY), "to": end},
    )  # fmt: skip
    told: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        told[row["hour"]].append(row)
    weeks = min(4.0, history.days / 7)
    return {hour: _load(found, weeks * 3600 / width) for hour, found in told.items()}


def _load(rows: list[dict[str, Any]], buckets: float) -> Load:
    bins = {row["bin"]: (float(row["buckets"]), row["total"]) for row in rows}
    return Load(bins, buckets, max((row["peak"] for row in rows), default=0.0))
