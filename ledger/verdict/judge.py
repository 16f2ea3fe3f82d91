"""One verdict from facts: first gates, then the cheaper label; every figure that led to it is kept; pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ledger.verdict.breakeven import displaced, needed_share
from ledger.verdict.hybrid import Optimum, Step, optimum
from ledger.verdict.load import ceiling, pool_size

if TYPE_CHECKING:
    from collections.abc import Sequence

MONTH_H = 720.0
MIN_DAYS = 28
MIN_COVERAGE = 0.95
MARGIN_SHARE = 0.05
MEASURED_GRADES = ("A", "B", "C")


@dataclass(frozen=True, slots=True)
class ApiOption:
    """The workload's traffic of the window on one API at current prices; `usd` None where a price is missing."""

    deployment: str
    usd: float | None


@dataclass(frozen=True, slots=True)
class OwnOption:
    """The same traffic on replicas of one own deployment: price, capacity grade, work and load steps.

    `steps` end at ⌈peak⌉ + 1, `usd_fixed_month` is what self-hosting costs whatever the number of replicas.
    """

    deployment: str
    usd_replica_hour: float | None
    grade: str
    replica_seconds: float
    mean: float
    peak: float
    steps: tuple[Step, ...]
    usd_fixed_month: float = 0.0


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a verdict rests on; the window is `hours` long and ends at the last complete day."""

    workload: str
    hours: float
    days: int
    coverage: float | None
    priced_share: float | None
    current: str
    current_usd: float | None
    successful_requests: int
    api: tuple[ApiOption, ...]
    own: tuple[OwnOption, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One own deployment weighed against the cheapest API: USD in 720 h at the best number of replicas."""

    deployment: str
    label: str
    replicas: int
    usd_month: float
    pool_usd_month: float
    pool_replicas: int
    needed: float | None
    own_first: float | None
    displaced: float
    usd_replica_hour: float
    grade: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with what led to it; money in USD per 720 h."""

    verdict: str
    reason: str
    option: str = ""
    replicas: int | None = None
    needed: float | None = None
    own_first: float | None = None
    api_month: float | None = None
    candidate_month: float | None = None
    saving_month: float | None = None
    flips_at: str = ""
    choices: tuple[Choice, ...] = field(default=())
    api_option: str = ""


def judge(facts: Facts) -> Judgement:
    """Return the verdict: gates in the order of economics 15.1, then the label of section 11.

    Uncertainty, hysteresis and policy are not weighed here yet: a difference within 5 % is `inconclusive`.
    """
    priced = [option for option in facts.api if option.usd is not None]
    cheapest = min(priced, key=lambda o: (o.usd or 0.0, o.deployment), default=None)
    scale = MONTH_H / facts.hours if facts.hours else 0.0
    api_month = cheapest.usd * scale if cheapest and cheapest.usd is not None else None
    choices = tuple(_choice(own, api_month, facts.hours) for own in facts.own if api_month is not None and _usable(own))
    if not facts.api or not facts.own:
        side = "API" if not facts.api else "own"
        return Judgement(
            "no_options",
            f"no {side} deployment is declared that may serve it: add one to [workloads.{facts.workload}] deployments",
            api_month=api_month,
        )
    data = _data_gate(facts)
    best = min(choices, key=lambda c: (c.usd_month, c.deployment), default=None)
    figures = _figures(facts, best, api_month, cheapest, choices)
    if data:
        return _with("insufficient_data", data, figures)
    if api_month is None or cheapest is None:
        return _with("insufficient_data", "no declared API has a price for this traffic", figures)
    capacity = _capacity_gate(facts, api_month, best)
    if capacity:
        return _with("insufficient_capacity", capacity, figures)
    label = best.label if best else "api"
    saving = figures.saving_month
    if label != facts.current and facts.current and saving is not None and facts.current_usd is not None:
        base = facts.current_usd * scale
        if saving <= MARGIN_SHARE * base:
            why = f"{label} would save {max(saving, 0.0):.2f} USD a month, within 5 % of today's {base:.2f}: stay"
            return _with("inconclusive", why, figures)
    if label == facts.current and saving is not None and saving < 0:
        figures = replace(figures, saving_month=0.0)  # to stay saves nothing
    return _with(label, _reason(label, best, api_month), figures)


def _usable(own: OwnOption) -> bool:
    return own.usd_replica_hour is not None and own.replica_seconds > 0


def _data_gate(facts: Facts) -> str:
    if facts.days < MIN_DAYS:
        return f"{facts.days} complete days of history, {MIN_DAYS} are needed"
    if facts.coverage is None or facts.coverage < MIN_COVERAGE:
        shown = "no" if facts.coverage is None else f"{facts.coverage:.1%} of"
        return f"{shown} hours are covered, {MIN_COVERAGE:.0%} are needed"
    if facts.priced_share is None or facts.priced_share < MIN_COVERAGE:
        shown = "no attempt has" if facts.priced_share is None else f"{facts.priced_share:.1%} of the attempts have"
        return f"{shown} a price, {MIN_COVERAGE:.0%} are needed: breakeven prices check"
    return ""


def _capacity_gate(facts: Facts, api_month: float, best: Choice | None) -> str:
    cheapest_replica = min(
        (o.usd_replica_hour * MONTH_H for o in facts.own if o.usd_replica_hour is not None), default=None
    )
    if cheapest_replica is None:
        return "no own deployment has a GPU rate: set [pools.NAME] usd_per_gpu_hour"
    if api_month <= cheapest_replica:
        return ""  # one replica costs as much as the whole bill: the API at any capacity
    if best is None:
        return "no own deployment has a measured capacity: run a load test and set its seconds per token"
    if best.grade not in MEASURED_GRADES:
        return f"capacity of {best.deployment} is grade {best.grade or 'unknown'}, not measured: a load test decides it"
    return ""


def _choice(own: OwnOption, api_month: float | None, hours: float) -> Choice:
    assert own.usd_replica_hour is not None
    assert api_month is not None
    price = displaced(api_month * hours / MONTH_H, own.replica_seconds) or 0.0
    needed = needed_share(own.usd_replica_hour, price)
    found = optimum(own.steps, own.mean, own.usd_replica_hour, price)
    fixed = own.usd_fixed_month
    size = pool_size(own.peak)
    pool = size * own.usd_replica_hour
    label, n, cost = _label(found, own, pool)
    if n and cost * MONTH_H + fixed >= found.all_api * MONTH_H:
        label, n, cost, fixed = "api", 0, found.all_api, 0.0
    first = own.steps[1].own if len(own.steps) > 1 else None
    notes = []
    if needed is None or needed >= 1:
        notes.append("never at this capacity")
    elif first is not None and needed >= first:
        notes.append("not at this load")
    return Choice(
        own.deployment, label, n, cost * MONTH_H + (fixed if n else 0.0), pool * MONTH_H + own.usd_fixed_month, size,
        needed, first, price, own.usd_replica_hour, own.grade, tuple(notes),
    )  # fmt: skip


def _label(found: Optimum, own: OwnOption, pool: float) -> tuple[str, int, float]:
    """Return label, replicas and USD per hour: a pool without overflow must beat every option with overflow."""
    if found.n == 0:
        return "api", 0, found.all_api
    top = ceiling(own.peak)
    with_overflow = found.costs[:top]
    if found.n >= top and (not with_overflow or pool <= min(with_overflow)):
        return "self_hosted", pool_size(own.peak), pool
    return "hybrid", found.n, found.cost


def _figures(
    facts: Facts,
    best: Choice | None,
    api_month: float | None,
    cheapest: ApiOption | None,
    choices: Sequence[Choice],
) -> Judgement:
    scale = MONTH_H / facts.hours if facts.hours else 0.0
    now = facts.current_usd * scale if facts.current_usd is not None else None
    candidate = best.usd_month if best else api_month
    saving = now - candidate if now is not None and candidate is not None else None
    return Judgement(
        "", "", option=best.deployment if best and best.replicas else (cheapest.deployment if cheapest else ""),
        replicas=best.replicas if best else None, needed=best.needed if best else None,
        own_first=best.own_first if best else None, api_month=api_month, candidate_month=candidate,
        saving_month=saving, flips_at=_flip(best), choices=tuple(choices),
        api_option=cheapest.deployment if cheapest else "",
    )  # fmt: skip


def _with(verdict: str, reason: str, figures: Judgement) -> Judgement:
    if verdict.startswith("insufficient"):  # what is not known well enough to decide is not shown as if it were
        figures = replace(
            figures, option="", replicas=None, needed=None, own_first=None, candidate_month=None, saving_month=None,
            flips_at="",
        )  # fmt: skip
    return replace(figures, verdict=verdict, reason=reason)


def _flip(best: Choice | None) -> str:
    """Name the replica-hour price at which the label changes between api and hybrid, all else held."""
    if best is None or best.own_first is None or best.displaced <= 0:
        return ""
    edge = best.own_first * best.displaced
    word = "api above" if best.replicas else "hybrid below"
    return f"{word} ${edge:,.2f} per replica-hour (now ${best.usd_replica_hour:,.2f})"


def _reason(label: str, best: Choice | None, api_month: float) -> str:
    if best is None:
        return f"the whole API bill, {api_month:.2f} USD a month, is less than one replica"
    if label == "api":
        needed = "no share of its time" if best.needed is None else f"{best.needed:.1%} of its time"
        first = 0.0 if best.own_first is None else best.own_first
        note = f": {', '.join(best.notes)}" if best.notes else ""
        return f"a replica pays once it works {needed}; this load would keep the first one busy {first:.1%}{note}"
    if label == "self_hosted":
        return f"{best.replicas} replicas hold the peak and cost less than any mix with the API"
    return f"{best.replicas} replica{'s' * (best.replicas != 1)} for the base load, peaks to the API"
