"""One workload at the end of one of its days: its facts, its verdict, and what the day says of a move; pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from ledger.verdict import capacity
from ledger.verdict.judge import MIN_COVERAGE, ApiOption, Choice, Facts, Judgement, OwnOption, judge
from ledger.verdict.load import KAPPA, Load
from ledger.verdict.payback import Move, project
from ledger.verdict.policy import Policy
from ledger.verdict.regret import SwitchCost, meter
from ledger.verdict.states import Limits, Signs
from ledger.verdict.uncertainty import WEEK, Bound, bound, usable_weeks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.verdict.history import Box, History, Priced

WINDOW = 28
MAX_MISSING = 0.05


@dataclass(frozen=True, slots=True)
class Terms:
    """What is declared of a workload's decision: policy, seconds of a load bucket, share that needs a second call."""

    policy: Policy = field(default_factory=Policy)
    bucket_s: int = 10
    escalation: float = 0.0


@dataclass(frozen=True, slots=True)
class Settings:
    """[verdict]: switching costs, drift and growth a month for paybacks, limits of advice; `terms` by workload."""

    switch_hours: float = 80.0
    labour_usd_per_hour: float = 100.0
    back_share: float = 1 / 3
    api_price_drift: float = 0.0
    volume_growth: float = 0.0
    double_run_months: int = 0
    limits: Limits = field(default_factory=Limits)
    terms: Mapping[str, Terms] = field(default_factory=dict)
    tested: Mapping[str, Sequence[Sequence[float]]] = field(default_factory=dict)

    def switch(self, label: str) -> SwitchCost:
        """Return what a move to a label costs, and back: to own GPUs the whole work, to the API a part of it."""
        there = self.switch_hours * self.labour_usd_per_hour
        back = there * self.back_share
        return SwitchCost(back, there) if label == "api" else SwitchCost(there, back)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A verdict with the series behind it; `savings` and `base` are USD of every complete day up to it."""

    facts: Facts
    judgement: Judgement
    bound: Bound | None
    savings: tuple[float, ...]
    base: tuple[float, ...]
    weeks: tuple[range, ...]
    candidate: str


def facts_at(history: History, last: int, boxes: Mapping[str, Box], settings: Settings) -> Facts:
    """Return the facts of the 28 days (or fewer) that end with a day."""
    window = range(max(0, last - WINDOW + 1), last + 1)
    terms = settings.terms.get(history.workload.name, Terms())
    total = {name: sum(history.traffic[d][name] for d in window) for name in (
        "requests", "successful_requests", "attempts", "api_requests", "unpriced_attempts", "no_usage")}  # fmt: skip
    covered = [history.covered[d] for d in window]
    hours = 24.0 * len(window)
    known = all(history.own_usd[d] is not None for d in window) and _sum(history.billed, window, empty=True) is not None
    return Facts(
        workload=history.workload.name, hours=hours, days=len(window),
        coverage=fmean(covered) if covered else None,
        priced_share=_priced_share(total), current=_current(total),
        current_usd=sum(base_usd(history, d) for d in window) if total["requests"] and known else None,
        successful_requests=total["successful_requests"],
        api=tuple(
            ApiOption(name, _sum(days, window), _sum(days, window, low=True)) for name, days in history.api.items()
        ),
        own=tuple(
            _own(history, box, window, hours, total, settings)
            for name, box in boxes.items() if name in history.workload.deployments
        ),
        policy=terms.policy, weekly_cv=_weekly_cv(history, last), escalation=terms.escalation,
    )  # fmt: skip


def weigh(history: History, last: int, boxes: Mapping[str, Box], settings: Settings, advised: str = "") -> Weighed:
    """Judge a workload at the end of a day, from complete days up to it.

    `advised`: a candidate (label|deployment|replicas) that stands; the series are then those of it.
    """
    facts = facts_at(history, last, boxes, settings)
    weeks = usable_weeks(last + 1, history.covered[: last + 1]) or []
    base = [base_usd(history, d) for d in range(last + 1)]

    def savings(label: str, choice: Choice | None) -> list[float]:
        return [paid - cost for paid, cost in zip(base, candidate_days(history, facts, label, choice), strict=False)]

    def bound_of(label: str, choice: Choice | None) -> Bound | None:
        return bound(savings(label, choice), base, weeks) if weeks else None

    found = judge(facts, bound_of)
    best = next((c for c in found.choices if c.deployment == found.option), None)
    best = best or min(found.choices, key=lambda c: (c.usd_month, c.deployment), default=None)
    label = found.label
    if advised:
        label, deployment, replicas = advised.split("|")
        chosen = next((c for c in found.choices if c.deployment == deployment), None)
        best = replace(chosen, replicas=int(replicas)) if chosen else best
    series = savings(label or "api", best)
    sure = bound(series, base, weeks) if weeks and label else None
    own = best is not None and label != "api"
    name = f"{label}|{best.deployment if best and own else found.api_option}|{best.replicas if best and own else 0}"
    return Weighed(facts, found, sure, tuple(series), tuple(base), tuple(weeks), name)


def signs(
    history: History, last: int, weighed: Weighed, settings: Settings, since: int = 0, start: float = 0.0
) -> Signs:
    """Return what a day says of a move; the regret meter begins after day `since` at `start`."""
    found = weighed.judgement
    label = weighed.candidate.split("|")[0]
    costs = settings.switch(label)
    window = range(max(0, last - WINDOW + 1), last + 1)
    saving = fmean(weighed.savings[d] for d in window) if window else 0.0
    base = fmean(weighed.base[d] for d in window) if window else 0.0
    level = meter([start, *weighed.savings[since:]])[-1] if weighed.savings else 0.0
    missing = found.reason if found.verdict in ("insufficient_data", "no_options") else ""
    if weighed.facts.days < settings.limits.min_days:
        missing = missing or f"{weighed.facts.days} complete days"
    if weighed.facts.current_usd is None:  # a base of known parts only is no base: a move would look dearer than it is
        missing = missing or "today's cost unknown"
    best = next((c for c in found.choices if c.deployment == weighed.candidate.split("|")[1]), None)
    own = min((c.grade for c in found.choices), default="")
    move = Move(
        base * 30, [(base - saving) * 30], costs.there, settings.api_price_drift, settings.volume_growth,
        settings.double_run_months,
    )  # fmt: skip
    differs = bool(label) and label != weighed.facts.current and bool(weighed.facts.current)
    return Signs(
        history.day(last).date(), weighed.candidate if differs else "", missing, saving, base,
        weighed.bound.lower if weighed.bound else None, weighed.bound.upper if weighed.bound else None,
        level, costs.threshold, project(move).months, found.ruling in ("cost", "hybrid_or_cost"),
        best.grade if best else own, arrived=bool(label) and label == weighed.facts.current,
    )  # fmt: skip


def candidate_days(history: History, facts: Facts, label: str, choice: Choice | None) -> list[float]:
    """Return what each complete day would have cost with a label and choice, USD, at current prices."""
    cheapest = min(
        (o for o in facts.api if o.usd is not None), key=lambda o: (o.usd or 0.0, o.deployment), default=None
    )
    on_api = [p.usd for p in history.api[cheapest.deployment]] if cheapest else [0.0] * history.days
    own = next((o for o in facts.own if choice and o.deployment == choice.deployment), None)
    if label == "api" or choice is None or own is None:
        return on_api
    frontier = facts.policy.frontier_share or 0.0
    stays = frontier if frontier < 1 else 0.0
    whole = choice.displaced / (1 - facts.escalation) if facts.escalation < 1 else 0.0
    out = []
    for day, load in enumerate(history.load[choice.deployment]):
        kept = load.times(1 - stays) if stays else load
        mean = kept.mean
        over = kept.overflow(choice.replicas) if label == "hybrid" else 0.0
        hour = own.hour(choice.replicas) + own.variable * (mean - over) + choice.displaced * over
        hour += facts.escalation * whole * mean
        out.append(hour * 24 + own.usd_fixed_month / 30 + stays * on_api[day])
    return out


def base_usd(history: History, day: int) -> float:
    """Return what a day costs where its traffic runs now, at current prices, as far as they are known."""
    return history.billed[day].usd + (history.own_usd[day] or 0.0)


def _own(
    history: History, box: Box, window: range, hours: float, total: Mapping[str, int], settings: Settings
) -> OwnOption:
    one = box.deployment
    days = history.load.get(one.name)
    load = Load.together(days[d] for d in window) if days else Load({}, 0.0, 0.0)
    near = True
    shapes = settings.tested.get(one.name)
    if shapes and total["requests"]:
        near = capacity.reaches(shapes, *_shape(history, window))
    paid = max(0, int(box.replicas - history.others.get(one.name, 0.0) / KAPPA)) if box.sunk else 0
    return OwnOption(
        one.name, box.usd_hour, one.grade, load.mean * hours * 3600, load, box.fixed_month, paid,
        box.usd_power if box.sunk else 0.0, near,
    )  # fmt: skip


def _shape(history: History, window: range) -> tuple[float, float, float]:
    """Return the mean request of some days: uncached, cached and output tokens."""
    sums = {
        name: sum(history.traffic[d][name] for d in window) for name in ("uncached", "cached", "output", "attempts")
    }
    number = max(1, sums["attempts"])
    return sums["uncached"] / number, sums["cached"] / number, sums["output"] / number


def _sum(days: Sequence[Priced], window: range, *, low: bool = False, empty: bool = False) -> float | None:
    """Return USD of some days; None where more than 5 % of the attempts have no price, or there are none."""
    part = [days[d] for d in window]
    attempts = sum(p.attempts for p in part)
    if (not attempts and not empty) or sum(p.missing for p in part) > MAX_MISSING * attempts:
        return None
    return sum(p.usd_low if low else p.usd for p in part)


def _priced_share(total: Mapping[str, int]) -> float | None:
    """Return the share of attempts whose money is known; attempts of our own have theirs in the pool."""
    unknown = total["unpriced_attempts"] + total["no_usage"]
    return 1 - unknown / total["attempts"] if total["attempts"] else None


def _current(total: Mapping[str, int]) -> str:
    if not total["requests"]:
        return ""
    share = total["api_requests"] / total["requests"]
    return "api" if share >= 0.995 else "self_hosted" if share <= 0.005 else "hybrid"


def _weekly_cv(history: History, last: int) -> float | None:
    """Return how much whole weeks differ: deviation over mean of up to eight, at least four."""
    totals = []
    for k in range(8):
        week = range(last + 1 - WEEK * (k + 1), last + 1 - WEEK * k)
        if week.start < 0 or fmean(history.covered[d] for d in week) < MIN_COVERAGE:
            break
        totals.append(float(sum(history.traffic[d]["requests"] for d in week)))
    return stdev(totals) / fmean(totals) if len(totals) >= 4 and fmean(totals) > 0 else None
