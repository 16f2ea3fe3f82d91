"""Evaluate every workload: read its facts from the ledger, judge, and write the verdict down."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ledger.records import Signal, Verdict
from ledger.verdict import coverage
from ledger.verdict.hybrid import Step
from ledger.verdict.judge import MONTH_H, ApiOption, Facts, Judgement, OwnOption, judge
from ledger.verdict.load import Capacity, ceiling

if TYPE_CHECKING:
    from ledger.costing.declared import Declared
    from ledger.prices.register import PriceRegister
    from ledger.records import Deployment, Workload
    from ledger.store import Store

_PACKAGE = "ledger.verdict"
WINDOW_DAYS = 28
MAX_REPLICAS = 64
_CENT = Decimal("0.01")


def evaluate(store: Store, prices: PriceRegister, declared: Declared, as_of: datetime) -> list[Verdict]:
    """Judge every declared workload over the last complete days (at most 28) and store the verdicts."""
    end = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    firsts = {row["workload"]: row["first"] for row in store.ask(_PACKAGE, "first_days")}
    start = end - timedelta(days=WINDOW_DAYS)
    hours: dict[str, dict[datetime, dict[str, Any]]] = defaultdict(dict)
    for row in store.ask(_PACKAGE, "traffic", **{"from": start, "to": end}):
        hours[row["workload"]][row["hour"]] = row
    names = [(d.provider, d.model, "standard", "") for d in declared.deployments if d.side == "api"]
    prices.resolve(names, as_of)
    verdicts = []
    for workload in declared.workloads:
        first = firsts.get(workload.name)
        facts = _facts(store, declared, workload, _Window(_begin(first, start, end), end, as_of), hours[workload.name])
        verdicts.append(_verdict(facts, judge(facts), as_of))
    store.add(verdicts)
    store.add(
        [
            Signal("verdict_saving", json.dumps({"workload": v.workload}), as_of, _number(v.saving_usd_month))
            for v in verdicts
        ]
    )
    return verdicts


class _Window:
    """Whole days under study, and the instant whose prices are in force."""

    def __init__(self, start: datetime, end: datetime, as_of: datetime) -> None:
        self.start, self.end, self.as_of = start, end, as_of
        self.seconds = (end - start).total_seconds()
        self.span = {"from": start, "to": end}

    @property
    def days(self) -> int:
        """Complete days in it."""
        return round(self.seconds / 86_400)


def _begin(first: datetime | None, start: datetime, end: datetime) -> datetime:
    """Return the first complete day of a workload within the window."""
    if first is None:
        return end
    day = first.replace(hour=0)
    if first != day:
        day += timedelta(days=1)
    return min(max(day, start), end)


def _facts(
    store: Store,
    declared: Declared,
    workload: Workload,
    window: _Window,
    rows: dict[datetime, dict[str, Any]],
) -> Facts:
    hours = [window.start + timedelta(hours=h) for h in range(round(window.seconds / 3600))]
    inside = [rows[h] for h in hours if h in rows]
    total = {
        name: sum(row[name] for row in inside)
        for name in ("requests", "successful_requests", "attempts", "api_attempts", "api_requests",
                     "unpriced_attempts", "no_usage")
    }  # fmt: skip
    allowed = [d for d in declared.deployments if d.name in workload.deployments]
    return Facts(
        workload=workload.name,
        hours=window.seconds / 3600,
        days=window.days,
        coverage=coverage.share([rows[h]["requests"] if h in rows else 0 for h in hours]),
        priced_share=_priced(total),
        current=_current(total),
        current_usd=_current_usd(store, declared, workload, window, total),
        successful_requests=total["successful_requests"],
        api=tuple(_api(store, d, workload, window) for d in allowed if d.side == "api"),
        own=tuple(_own(store, declared, d, workload, window) for d in allowed if d.side == "self_hosted"),
    )


def _priced(total: dict[str, int]) -> float | None:
    """Return the share of attempts whose money is known; attempts of our own have theirs in the pool."""
    if not total["attempts"]:
        return None
    return 1 - (total["unpriced_attempts"] + total["no_usage"]) / total["attempts"]


def _current(total: dict[str, int]) -> str:
    if not total["requests"]:
        return ""
    share = total["api_requests"] / total["requests"]
    return "api" if share >= 0.995 else "self_hosted" if share <= 0.005 else "hybrid"


def _api(store: Store, one: Deployment, workload: Workload, window: _Window) -> ApiOption:
    row = store.ask(
        _PACKAGE, "replay", workload=workload.name, provider=one.provider, model=one.model, as_of=window.as_of,
        ratio=workload.token_ratio, **window.span,
    )[0]  # fmt: skip
    known = row["attempts"] and row["missing"] <= 0.05 * row["attempts"]
    return ApiOption(one.name, float(row["usd"]) if known else None)


def _own(store: Store, declared: Declared, one: Deployment, workload: Workload, window: _Window) -> OwnOption:
    capacity = {
        "uncached": one.s_per_uncached, "cached": one.s_per_cached, "output": one.s_per_output, "kv": one.s_per_kv,
    }  # fmt: skip
    given = {"workload": workload.name, "seconds": max(window.seconds, 1.0), **capacity, **window.span}
    rate = declared.rate_at(one.pool, window.as_of)
    price = float(rate.planned) * one.gpus_per_replica if rate else None
    fixed = sum(
        float(o.amount) for o in declared.overheads
        if o.side == "self_hosted" and o.unit == "usd_per_month" and o.pool in ("", one.pool)
    )  # fmt: skip
    if not Capacity(**capacity).known:
        return OwnOption(one.name, price, one.grade, 0.0, 0.0, 0.0, (Step(0, 0.0, None),), fixed)
    peak = store.ask(_PACKAGE, "load_peak", **given)[0]
    n_max = min(ceiling(peak["peak"]) + 1, MAX_REPLICAS)
    rows = store.ask(_PACKAGE, "load_steps", **given, n_max=n_max)
    found = tuple(Step(round(r["n"]), r["overflow"], r["own"] if r["n"] else None) for r in rows)
    return OwnOption(
        one.name,
        price,
        one.grade,
        peak["work"],
        peak["mean"],
        peak["peak"],
        found or (Step(0, 0.0, None),),
        fixed,
    )


def _current_usd(
    store: Store, declared: Declared, workload: Workload, window: _Window, total: dict[str, int]
) -> float | None:
    """Return what the traffic costs where it runs now: API parts replayed, own parts by share of work."""
    if not total["requests"]:
        return None
    cost = 0.0
    if total["api_requests"]:
        replayed = _replayed(store, workload, window)
        if replayed is None:
            return None
        cost += replayed
    if total["api_requests"] == total["requests"]:
        return cost
    for one in declared.own:
        rate = declared.rate_at(one.pool, window.as_of)
        capacity = {
            "uncached": one.s_per_uncached or 1.0, "cached": one.s_per_cached,
            "output": one.s_per_output or 4.0, "kv": one.s_per_kv,
        }  # fmt: skip
        rows = store.ask(_PACKAGE, "own_share", deployment=one.name, **capacity, **window.span)
        works = {row["workload"]: row["work"] for row in rows}
        if not works.get(workload.name):
            continue
        if rate is None:
            return None
        gpus = len(one.gpus) or rate.gpus
        share = works[workload.name] / sum(works.values())
        cost += share * gpus * float(rate.planned) * window.seconds / 3600
    return cost


def _replayed(store: Store, workload: Workload, window: _Window) -> float | None:
    rows = store.ask(_PACKAGE, "replay_as_billed", workload=workload.name, as_of=window.as_of, **window.span)
    row = rows[0]
    known = row["attempts"] and row["missing"] <= 0.05 * row["attempts"]
    return float(row["usd"]) if known else None


def _verdict(facts: Facts, found: Judgement, as_of: datetime) -> Verdict:
    details = {"facts": _plain(asdict(facts)), "judgement": asdict(found)}
    return Verdict(
        at=as_of, workload=facts.workload, verdict=found.verdict, reason=found.reason, current=facts.current,
        option=found.option, replicas=found.replicas, used_share_needed=found.needed, used_share=found.own_first,
        api_usd_month=_usd(found.api_month), candidate_usd_month=_usd(found.candidate_month),
        saving_usd_month=_usd(found.saving_month),
        requests_month=facts.successful_requests * MONTH_H / facts.hours if facts.hours else None,
        coverage=facts.coverage, flips_at=found.flips_at,
        details=json.dumps(details),
    )  # fmt: skip


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    """Leave the long step tables out of what is stored."""
    return {**facts, "own": [{k: v for k, v in own.items() if k != "steps"} for own in facts["own"]]}


def _usd(amount: float | None) -> Decimal | None:
    return None if amount is None else Decimal(repr(amount)).quantize(_CENT)


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
