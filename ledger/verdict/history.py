"""What verdicts rest on, by workload and complete UTC day: traffic, its cost on every option, its load on every box."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from ledger.verdict import coverage
from ledger.verdict.binned import AT_ONCE, ask_loads, keep_loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from ledger.costing.declared import Declared
    from ledger.prices.register import PriceRegister
    from ledger.records import Deployment, Workload
    from ledger.store import Store
    from ledger.verdict.load import Load

_PACKAGE = "ledger.verdict"
_DAY = timedelta(days=1)
_RECENT = 28 * _DAY
_AWAY_DAYS = 7
"""Days without own work up to now after which a workload no longer counts as running on a deployment."""
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

    `own_usd`: what a day cost avoidably on our GPUs at current rates, None unknown.
    `others`: mean load in replicas that other workloads have on each own deployment now.
    """

    workload: Workload
    start: datetime
    days: int
    covered: list[float]
    traffic: list[dict[str, int]]
    billed: list[Priced]
    own_usd: list[float | None]
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
    with ThreadPoolExecutor(AT_ONCE) as pool:
        loads = ask_loads(store, declared, out, span, widths or {}, pool)
        _traffic(store, out, span)
        work = _own_work(store.ask(_PACKAGE, "own_work", **span), declared, max(first, end - _RECENT), end)
        priced = boxes(declared, as_of)
        for one in out.values():
            one.own_usd = _own_usd(one, work, priced)
            one.others = {name: box.load - box.loads.get(one.workload.name, 0.0) for name, box in work.items()}
        _priced(store, prices, declared, out, span, as_of)
        keep_loads(loads)
    return out


def _empty(workload: Workload, start: datetime, end: datetime) -> History:
    days = round((end - start) / _DAY)
    traffic: list[dict[str, int]] = [defaultdict(int) for _ in range(days)]
    return History(workload, start, days, [0.0] * days, traffic, [Priced()] * days, [0.0] * days)


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
        one = out.get(row.pop("workload"))
        at = (row.pop("day") - one.start.date()).days if one else -1
        told = zip(row.pop("hours"), row.pop("by_hour"), strict=True)
        if one is not None and at >= 0:
            row.pop("told")
            one.traffic[at] = row
            hours[one.workload.name] |= {24 * at + hour: requests for hour, requests in told}
    for name, one in out.items():
        counts = [hours[name].get(h, 0) for h in range(24 * one.days)]
        gone = coverage.missing(counts)
        one.covered = [1 - sum(h in gone for h in range(24 * d, 24 * d + 24)) / 24 for d in range(one.days)]


@dataclass(slots=True)
class _BoxWork:
    """Work on one own deployment: by day and workload, by day, and the mean load in replicas of late."""

    days: dict[date, dict[str, float]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(float)))
    totals: dict[date, float] = field(default_factory=lambda: defaultdict(float))
    loads: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def load(self) -> float:
        """Mean load of all workloads."""
        return sum(self.loads.values())


def _own_work(rows: list[dict[str, Any]], declared: Declared, recent: datetime, end: datetime) -> dict[str, _BoxWork]:
    """Return the work of every own deployment that had any; loads are of the days from `recent` on."""
    out: dict[str, _BoxWork] = defaultdict(_BoxWork)
    by_name = {one.name: one for one in declared.own}
    seconds = (end - recent).total_seconds()
    for row in rows:
        one = by_name.get(row["deployment"])
        if one is None:
            continue
        box, rest = out[one.name], one.s_per_cached * row["cached"] + one.s_per_kv * row["kv2"] / 2
        # Without a measured capacity, an output token counts as four of input: only the shares matter then.
        share = (one.s_per_uncached or 1.0) * row["uncached"] + (one.s_per_output or 4.0) * row["output"] + rest
        box.days[row["day"]][row["workload"]] += share
        box.totals[row["day"]] += share
        if row["day"] >= recent.date():
            work = one.s_per_uncached * row["uncached"] + one.s_per_output * row["output"] + rest
            box.loads[row["workload"]] += work / seconds
    return dict(out)


def _own_usd(history: History, work: Mapping[str, _BoxWork], priced: Mapping[str, Box]) -> list[float | None]:
    """Return what each day costs avoidably on our GPUs at current rates; None where a rate is unknown.

    A workload carries the share of a pool that it worked of what all worked on a day, from its first day there to its
    last; days on which nobody worked are shared as all its days are.
    """
    out: list[float | None] = [0.0] * history.days
    for name, box in priced.items():
        hourly = box.usd_power if box.sunk else box.usd_hour
        for index, part in _shares(history, work[name]).items() if name in work else ():
            before = out[index]
            known = before is not None and hourly is not None
            if part:
                out[index] = (before or 0.0) + part * max(box.replicas, 1) * (hourly or 0.0) * 24 if known else None
    return out


def _shares(history: History, box: _BoxWork) -> dict[int, float]:
    """Return the share of a deployment's work that a workload did, by index of the day."""
    name, first = history.workload.name, history.start.date()
    mine = {day: by[name] for day, by in box.days.items() if by.get(name)}
    if not mine:
        return {}
    last = (max(mine) - first).days
    if history.days - 1 - last <= _AWAY_DAYS:
        last = history.days - 1
    usual = sum(mine.values()) / sum(box.totals.values())
    days = [first + d * _DAY for d in range(max(0, (min(mine) - first).days), last + 1)]
    return {(day - first).days: mine.get(day, 0.0) / box.totals[day] if box.totals.get(day) else usual for day in days}


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
