"""What a verdict stands on, in figures: options, bounds, payback, what would flip it, what is least sure; pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from ledger.verdict import states
from ledger.verdict.breakeven import volumes
from ledger.verdict.flips import factors
from ledger.verdict.hybrid import Claim, merit_order, schedule
from ledger.verdict.judge import MONTH_H, judge
from ledger.verdict.payback import HORIZON, Move, Paid, leave, project
from ledger.verdict.uncertainty import band
from ledger.verdict.weigh import signs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.records import Advice
    from ledger.verdict.history import Box, History
    from ledger.verdict.judge import Choice, Facts
    from ledger.verdict.load import Load
    from ledger.verdict.weigh import Settings, Weighed

_TOKEN_BAND = (0.85, 1.15)


def details(
    history: History, weighed: Weighed, settings: Settings, advice: Advice | None, *, deep: bool
) -> dict[str, Any]:
    """Return everything behind a verdict in the documented shape; USD per 720 h unless a figure says a day."""
    facts, found = weighed.facts, weighed.judgement
    best = _best(weighed)
    out: dict[str, Any] = {
        "facts": _plain(facts),
        "judgement": {**asdict(found), "choices": [asdict(c) for c in found.choices]},
        "options": options(weighed),
        "bound": asdict(weighed.bound) if weighed.bound else None,
        "flips": flips(weighed, deep=deep),
        "volumes": _volumes(facts, best),
        "advice": None,
    }
    if advice is not None and history.days:
        found_signs = replace(signs(history, history.days - 1, weighed, settings), regret=advice.regret)
        costs = settings.switch(found.label)
        out["advice"] = {
            "state": advice.state, "day": advice.day.isoformat(), "candidate": advice.candidate,
            "regret": advice.regret, "threshold": costs.threshold, "switch_usd": costs.there, "back_usd": costs.back,
            "blocking": states.blocking(found_signs, settings.limits) if found_signs.candidate else [],
        }  # fmt: skip
    out["payback"] = payback(weighed, settings) if history.days else None
    if deep:
        out["bands"] = bands(weighed, settings)
        out["unsure"] = unsure(weighed)
    return out


def options(weighed: Weighed) -> list[dict[str, Any]]:
    """Return every option with its cost, the API ones first; ineligible ones keep their cost and name the rule."""
    facts, found = weighed.facts, weighed.judgement
    scale = MONTH_H / facts.hours if facts.hours else 0.0
    number = facts.successful_requests * scale / 1000
    now = facts.current_usd * scale if facts.current_usd is not None else None

    def row(option: str, label: str, usd: float | None, **more: Any) -> dict[str, Any]:
        return {
            "option": option, "label": label, "usd_month": usd,
            "usd_per_1k": usd / number if usd is not None and number else None,
            "saving_usd_month": now - usd if now is not None and usd is not None else None,
            "barred_by": found.removed.get(label, ""), "grade": "", "replicas": 0, "notes": [], **more,
        }  # fmt: skip

    out = [
        row(o.deployment, "api", None if o.usd is None else o.usd * scale,
            usd_low_month=None if o.usd_low is None else o.usd_low * scale)
        for o in facts.api
    ]  # fmt: skip
    for c in found.choices:
        more: dict[str, Any] = {"grade": c.grade, "notes": list(c.notes)}
        if c.hybrid_usd_month is not None:
            spent = (c.hybrid_replicas * c.usd_replica_hour - _hour(facts, c)) * MONTH_H
            out.append(row(c.deployment, "hybrid", c.hybrid_usd_month, replicas=c.hybrid_replicas,
                           usd_month_with_sunk=c.hybrid_usd_month + spent, **more))  # fmt: skip
        out.append(row(c.deployment, "self_hosted", c.pool_usd_month, replicas=c.pool_replicas, **more))
    return out


def _hour(facts: Facts, choice: Choice) -> float:
    """Return the avoidable cost of the replicas of a mix, USD per hour."""
    own = next(o for o in facts.own if o.deployment == choice.deployment)
    return own.hour(choice.hybrid_replicas)


def scheduled(weighed: Weighed, hours: Mapping[int, Load]) -> dict[str, Any] | None:
    """Return what replicas chosen for each hour of the week would cost, beside the constant number (economics 9.2)."""
    best = _best(weighed)
    if best is None or not hours:
        return None
    found = schedule(hours, best.usd_replica_hour, best.displaced)
    fixed = next(o.usd_fixed_month for o in weighed.facts.own if o.deployment == best.deployment)
    return {
        "deployment": best.deployment, "usd_month": found.cost * MONTH_H + (fixed if any(found.replicas) else 0.0),
        "replicas": list(found.replicas), "least": min(found.replicas), "most": max(found.replicas),
    }  # fmt: skip


def leaving(weighed: Weighed, box: Box | None, months: int = HORIZON) -> dict[str, Any] | None:
    """Return what leaving own capacity that is paid for would save, now and later (13.1); None without any."""
    facts, found = weighed.facts, weighed.judgement
    if box is None or not box.sunk or facts.current not in ("self_hosted", "hybrid") or found.api_month is None:
        return None
    hours = box.replicas * MONTH_H
    until = min(months, box.months_left)
    paid = Paid(box.fixed_month, box.usd_power * hours, ((box.usd_hour or 0.0) - box.usd_power) * hours, until)
    return {"deployment": box.deployment.name, "months_left": until, **asdict(leave(paid, [found.api_month] * months))}


def shared(rows: Sequence[dict[str, Any]], replicas: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return own deployments that several verdicts want, and who would be served first (economics 11).

    `rows`: verdicts with their details; `replicas`: how many each deployment has. The dearest API per replica-hour goes
    first until the pool is full.
    """
    wanted: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        choices = row["details"]["judgement"]["choices"]
        choice = next((c for c in choices if c["deployment"] == row["option"]), None)
        if choice and row["verdict"] in ("hybrid", "self_hosted"):
            wanted[row["option"]].append({"workload": row["workload"], **choice})
    out = []
    for deployment, choices in wanted.items():
        if len(choices) > 1:
            claims = [Claim(c["workload"], c["mean"], c["displaced"] * c["mean"]) for c in choices]
            served = merit_order(claims, replicas.get(deployment, 0))
            out.append({
                "deployment": deployment, "replicas": replicas.get(deployment, 0),
                "wanted": sum(c["replicas"] for c in choices), "served": [asdict(s) for s in served],
            })  # fmt: skip
    return out


def flips(weighed: Weighed, *, deep: bool) -> list[dict[str, Any]]:
    """Return what would change the label: GPU price, API prices, used share, and with `deep` the volume and labour."""
    best = _best(weighed)
    if best is None or best.own_first is None or best.displaced <= 0:
        return []
    edges = {"GPU price": (best.own_first * best.displaced, best.usd_replica_hour, "USD per replica-hour")}
    if best.needed is not None:
        edges["API prices"] = (best.needed / best.own_first, 1.0, "times today's") if best.own_first else (0.0, 1.0, "")
        edges["used share of a replica"] = (best.needed, best.own_first, "share")
    out = [
        {"what": what, "value": value, "now": now, "unit": unit} for what, (value, now, unit) in edges.items() if unit
    ]
    if deep:
        facts = weighed.facts
        for factor, label in factors(lambda x: judge(scaled(facts, x)).label):
            out.append({"what": "volume", "value": factor, "now": 1.0, "unit": "times today's", "label": label})
        out += _operations(weighed)
    return out


def payback(weighed: Weighed, settings: Settings) -> dict[str, Any] | None:
    """Return the payback of the candidate; None where it is where the workload runs already."""
    if not weighed.candidate or not weighed.base or weighed.judgement.label == weighed.facts.current:
        return None
    base, saving = _month(weighed.base), _month(weighed.savings)
    found = project(
        Move(base, [base - saving], settings.switch(weighed.judgement.label).there, settings.api_price_drift,
             settings.volume_growth, settings.double_run_months)
    )  # fmt: skip
    return {"months": found.months, "reason": found.reason, "band": found.band, "value_usd": found.value,
            "naive_months": found.naive, "once_usd": settings.switch(weighed.judgement.label).there}  # fmt: skip


def bands(weighed: Weighed, settings: Settings) -> dict[str, Any]:
    """Return 10th, 50th and 90th percentiles over resampled weeks: saving a month, payback."""
    if not weighed.weeks:
        return {}
    once = settings.switch(weighed.judgement.label).there

    def saving(weeks: Sequence[range]) -> float:
        days = [d for week in weeks for d in week]
        return sum(weighed.savings[d] for d in days) / len(days) * 30

    def months(weeks: Sequence[range]) -> float | None:
        gain = saving(weeks)
        return once / gain if gain > 0 else None

    return {"saving_usd_month": band(weighed.weeks, saving), "payback_months": _finite(band(weighed.weeks, months))}


def unsure(weighed: Weighed) -> list[dict[str, Any]]:
    """Return what the saving hangs on most, the largest first: USD a month that it moves by over a plausible range."""
    facts, best = weighed.facts, _best(weighed)
    out: list[dict[str, Any]] = []
    if weighed.bound:
        out.append({"what": "weeks differ", "usd_month": (weighed.bound.upper - weighed.bound.lower) * 30})
    if best is None or facts.current_usd is None:
        return out
    month = best.usd_month
    ranges = {
        "tokenizer ratio (0.85 to 1.15)": [priced(facts, f) for f in _TOKEN_BAND],
        f"capacity of {best.deployment} (± 20 %)": [_worked(facts, f) for f in (0.8, 1.2)],
        "GPU price (± 20 %)": [rated(facts, f) for f in (0.8, 1.2)],
    }
    for what, variants in ranges.items():
        months = [_candidate_month(judge(v).candidate_month, month) for v in variants]
        out.append({"what": what, "usd_month": abs(months[1] - months[0])})
    return sorted(out, key=lambda one: -one["usd_month"])[:3]


def _candidate_month(found: float | None, otherwise: float) -> float:
    return otherwise if found is None else found


def scaled(facts: Facts, factor: float) -> Facts:
    """Return the facts of another volume: tokens, work and load times a factor."""
    return replace(
        _worked(priced(facts, factor), factor), successful_requests=round(facts.successful_requests * factor)
    )


def priced(facts: Facts, factor: float) -> Facts:
    """Return the facts with all API prices times a factor."""
    api = tuple(
        replace(
            o, usd=None if o.usd is None else o.usd * factor, usd_low=None if o.usd_low is None else o.usd_low * factor
        )
        for o in facts.api
    )
    return replace(facts, api=api)


def _worked(facts: Facts, factor: float) -> Facts:
    own = tuple(replace(o, replica_seconds=o.replica_seconds * factor, load=o.load.times(factor)) for o in facts.own)
    return replace(facts, own=own)


def rated(facts: Facts, factor: float) -> Facts:
    """Return the facts with all GPU prices times a factor."""
    own = tuple(
        replace(o, usd_replica_hour=None if o.usd_replica_hour is None else o.usd_replica_hour * factor)
        for o in facts.own
    )
    return replace(facts, own=own)


def _operations(weighed: Weighed) -> list[dict[str, Any]]:
    """Return the monthly cost of operating own GPUs at which the label would be the API's."""
    best = _best(weighed)
    if best is None or not best.replicas or weighed.judgement.api_month is None:
        return []
    fixed = next((o.usd_fixed_month for o in weighed.facts.own if o.deployment == best.deployment), 0.0)
    return [{
        "what": "operations", "value": fixed + weighed.judgement.api_month - best.usd_month, "now": fixed,
        "unit": "USD a month", "label": "api",
    }]  # fmt: skip


def _volumes(facts: Facts, best: Choice | None) -> dict[str, Any] | None:
    """Return where owning whole replicas pays, in multiples of today's volume and mix, and the next edges from it."""
    api = [o.usd for o in facts.api if o.usd is not None]
    if best is None or not api or not facts.hours or best.mean <= 0:
        return None
    fixed = next((o.usd_fixed_month for o in facts.own if o.deployment == best.deployment), 0.0)
    found = volumes(1 / best.mean * 1e6, min(api) * MONTH_H / facts.hours, best.usd_replica_hour * MONTH_H, fixed, 64)
    inside = next(([low / 1e6, high / 1e6] for low, high in found.intervals if low < 1e6 < high), None)
    edges = sorted(edge / 1e6 for pair in found.intervals for edge in pair)
    return {
        "intervals": [[low / 1e6, high / 1e6] for low, high in found.intervals[:8]], "today": 1.0, "inside": inside,
        "next_below": max((e for e in edges if e < 1), default=None),
        "next_above": min((e for e in edges if e > 1), default=None),
        "never_on_this_box": not found.intervals,
    }  # fmt: skip


def _best(weighed: Weighed) -> Choice | None:
    choices = weighed.judgement.choices
    found = next((c for c in choices if c.deployment == weighed.judgement.option), None)
    return found or min(choices, key=lambda c: (c.usd_month, c.deployment), default=None)


def _month(days: Sequence[float]) -> float:
    """Return the mean of the last 28 days over 30."""
    part = days[-28:]
    return sum(part) / len(part) * 30


def _finite(found: tuple[float, float, float] | None) -> list[float | None] | None:
    return None if found is None else [None if x == float("inf") else x for x in found]


def _plain(facts: Facts) -> dict[str, Any]:
    """Leave the histograms out of what is stored."""
    own = [
        {**{name: getattr(o, name) for name in ("deployment", "usd_replica_hour", "grade", "replica_seconds",
                                                "usd_fixed_month", "paid", "usd_paid_hour", "near")},
         "mean": o.load.mean, "peak": o.load.peak}
        for o in facts.own
    ]  # fmt: skip
    names = ("workload", "hours", "days", "coverage", "priced_share", "current", "current_usd", "successful_requests",
             "weekly_cv", "escalation")  # fmt: skip
    return {**{name: getattr(facts, name) for name in names}, "api": [asdict(o) for o in facts.api], "own": own}
