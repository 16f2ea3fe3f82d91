"""One verdict from facts: policy, then gates, then the cheaper label if it is sure enough; pure.

Every figure that led to it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ledger.verdict.breakeven import displaced, needed_share
from ledger.verdict.hybrid import optimum, steps
from ledger.verdict.load import ceiling, pool_size
from ledger.verdict.policy import Policy, Ruling, Volume, rule, shadow_price

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ledger.verdict.load import Load
    from ledger.verdict.uncertainty import Bound

MONTH_H = 720.0
MIN_DAYS = 28
MIN_COVERAGE = 0.95
MARGIN_SHARE = 0.05
MEASURED_GRADES = ("A", "B", "C")


@dataclass(frozen=True, slots=True)
class ApiOption:
    """The workload's traffic of the window on one API at current prices, USD; None where a price is missing.

    `usd_low`: own prefix hits counted as cache reads there, the bound that favours the API; `usd` counts none.
    """

    deployment: str
    usd: float | None
    usd_low: float | None = None


@dataclass(frozen=True, slots=True)
class OwnOption:
    """The same traffic on replicas of one own deployment: price of a replica-hour, capacity grade, work and load.

    `usd_fixed_month` is what self-hosting costs whatever the number of replicas. The first `paid` replicas cost
    `usd_paid_hour` only, for their money is spent whether they run or not. `near`: the load's shape was tested.
    """

    deployment: str
    usd_replica_hour: float | None
    grade: str
    replica_seconds: float
    load: Load
    usd_fixed_month: float = 0.0
    paid: int = 0
    usd_paid_hour: float = 0.0
    near: bool = True
    variable: float = 0.0

    @property
    def sure(self) -> str:
        """Grade that decides: a load test far from this load is as good as a published figure."""
        return self.grade if self.near or self.grade not in MEASURED_GRADES else "D"

    def hour(self, replicas: int) -> float:
        """Return the avoidable cost of n replicas, USD per hour."""
        spent = min(replicas, self.paid)
        return spent * self.usd_paid_hour + (replicas - spent) * (self.usd_replica_hour or 0.0)


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
    policy: Policy = field(default_factory=Policy)
    weekly_cv: float | None = None
    escalation: float = 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    """One own deployment weighed against the cheapest API: USD in 720 h at the best number of replicas.

    `hybrid_usd_month` is the best mix, `pool_usd_month` the pool that holds the peak alone; `average_usd_month` prices
    the chosen replicas as if nothing were paid for already.
    """

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
    hybrid_usd_month: float | None = None
    hybrid_replicas: int = 0
    average_usd_month: float = 0.0
    served_share: float | None = None
    own_last: float | None = None
    peak: float = 0.0
    mean: float = 0.0


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
    label: str = ""
    ruling: str = ""
    fired: tuple[str, ...] = ()
    removed: Mapping[str, str] = field(default_factory=dict)
    shadow_month: float | None = None


def judge(facts: Facts, bound_of: Callable[[str, Choice | None], Bound | None] | None = None) -> Judgement:
    """Return the verdict, in the order of economics 15.1.

    `bound_of` gives the bound of the saving of a label with a choice against where the workload runs now; without one
    the point difference is taken.
    """
    priced = [option for option in facts.api if option.usd is not None]
    cheapest = min(priced, key=lambda o: (o.usd or 0.0, o.deployment), default=None)
    scale = MONTH_H / facts.hours if facts.hours else 0.0
    api_month = cheapest.usd * scale if cheapest and cheapest.usd is not None else None
    usable = [own for own in facts.own if api_month is not None and own.usd_replica_hour is not None
              and own.replica_seconds > 0]  # fmt: skip
    free = [_choice(own, api_month or 0.0, facts, {}) for own in usable]
    ruling = rule(facts.policy, _volume(facts, free, api_month))
    choices = tuple(_choice(own, api_month or 0.0, facts, ruling.removed) for own in usable)
    best = min(choices, key=lambda c: (c.usd_month, c.deployment), default=None)
    figures = _figures(facts, best, api_month, cheapest, choices, ruling)
    if gate := _ruled(facts, figures, ruling) or _gated(facts, figures, best):
        return gate
    if ruling.label == "api_with_note":
        return _operated(facts, figures, best, ruling)
    return _by_cost(facts, figures, best, bound_of, scale)


def _ruled(facts: Facts, figures: Judgement, ruling: Ruling) -> Judgement | None:
    """Return the verdict where policy decides, or where one side has nothing declared."""
    if ruling.label == "blocked":
        return _with("blocked", f"policy leaves no option: {'; '.join(ruling.fired)}", figures)
    if not facts.api or not facts.own:
        if (ruling.label == "api" and facts.api) or (ruling.label == "self_hosted" and facts.own):
            return _with(ruling.label, f"policy: {'; '.join(ruling.fired)}", figures)
        side = "API" if not facts.api else "own"
        why = f"no {side} deployment is declared that may serve it: add one to [workloads.{facts.workload}] deployments"
        return Judgement("no_options", why, api_month=figures.api_month)
    if not ruling.open:
        return _with(ruling.label, f"policy: {'; '.join(ruling.fired)}", _held(figures, ruling.label, facts))
    return None


def _gated(facts: Facts, figures: Judgement, best: Choice | None) -> Judgement | None:
    """Return the verdict where too little is known: of the traffic, of its price, of the capacity."""
    if data := _data_gate(facts):
        return _with("insufficient_data", data, figures)
    if figures.api_month is None:
        return _with("insufficient_data", "no declared API has a price for this traffic", figures)
    if capacity := _capacity_gate(facts, figures.api_month, best):
        return _with("insufficient_capacity", capacity, figures)
    return None


def _by_cost(
    facts: Facts,
    figures: Judgement,
    best: Choice | None,
    bound_of: Callable[[str, Choice | None], Bound | None] | None,
    scale: float,
) -> Judgement:
    label = best.label if best else "api"
    if label != facts.current and facts.current and figures.saving_month is not None and facts.current_usd is not None:
        base = facts.current_usd * scale
        found = bound_of(label, best) if bound_of else None
        least = found.lower * 30 if found else figures.saving_month
        if least <= MARGIN_SHARE * base:
            sure = f"at least {least:,.2f} with 90 % confidence" if found else f"{max(figures.saving_month, 0.0):,.2f}"
            why = f"{label} would save {sure} USD a month, within 5 % of today's {base:,.2f}: stay"
            if facts.policy.prefer == label:
                return _with(label, f"{why.removesuffix(': stay')}, and preferred", figures)
            return _with("inconclusive", why, figures)
    if label == facts.current and figures.saving_month is not None and figures.saving_month < 0:
        figures = replace(figures, saving_month=0.0)  # to stay saves nothing
    return _with(label, _reason(label, best, figures.api_month or 0.0), figures)


def _volume(facts: Facts, free: Sequence[Choice], api_month: float | None) -> Volume:
    """Return what rule 9 looks at: whether any replica pays, and how far the bill is from one replica's."""
    smallest = min(
        ((o.usd_replica_hour or 0.0) * MONTH_H + o.usd_fixed_month for o in facts.own if o.usd_replica_hour),
        default=None,
    )
    ratio = api_month / smallest if api_month is not None and smallest else None
    return Volume(any(c.replicas > 0 for c in free) if free else None, ratio, facts.weekly_cv)


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


def _choice(own: OwnOption, api_month: float, facts: Facts, removed: Mapping[str, str]) -> Choice:
    assert own.usd_replica_hour is not None
    frontier = facts.policy.frontier_share or 0.0
    stays = frontier if frontier < 1 else 0.0
    load = own.load.times(1 - stays) if stays else own.load
    whole = displaced(api_month * facts.hours / MONTH_H, own.replica_seconds) or 0.0
    price = whole * (1 - facts.escalation)
    needed = needed_share(own.usd_replica_hour, price, own.variable)
    rows = steps(load)
    found = optimum(rows, load.mean, own.usd_replica_hour, price, own.variable, own.hour)
    on_api = stays * api_month + facts.escalation * whole * load.mean * MONTH_H
    fixed = own.usd_fixed_month
    size = pool_size(load.peak)
    pool = own.hour(size) + own.variable * load.mean + facts.escalation * whole * load.mean
    top = ceiling(load.peak)
    options: dict[str, tuple[float, int]] = {"api": (found.all_api * MONTH_H + on_api, 0)}
    mixes = list(zip(found.costs[1:], range(1, len(found.costs)), strict=True))
    if mixes:
        cost, n = min(mixes)
        options["hybrid"] = (cost * MONTH_H + fixed + on_api, n)
    with_overflow = min(found.costs[:top], default=None)
    if with_overflow is None or pool <= with_overflow or "hybrid" in removed:
        options["self_hosted"] = (pool * MONTH_H + fixed, size)
    if "self_hosted" in options and "hybrid" in options and found.n >= top and "self_hosted" not in removed:
        del options["hybrid"]  # no overflow is left, and the pool is no dearer than any option with one
    allowed = {label: one for label, one in options.items() if label not in removed} or options
    label, (month, n) = min(allowed.items(), key=lambda item: (item[1][0], item[1][1]))
    first = rows[1].own if len(rows) > 1 else None
    notes = []
    if needed is None or needed >= 1:
        notes.append("never at this capacity")
    elif first is not None and needed >= first:
        notes.append("not at this load")
    if own.paid:
        notes.append(f"{own.paid} replicas are paid for already")
    hybrid = options.get("hybrid") or (min(mixes)[0] * MONTH_H + fixed + on_api, min(mixes)[1]) if mixes else None
    spent = (n * own.usd_replica_hour - own.hour(n)) * MONTH_H
    return Choice(
        own.deployment, label, n, month, pool * MONTH_H + fixed, size, needed, first, price, own.usd_replica_hour,
        own.sure, tuple(notes), hybrid[0] if hybrid else None, hybrid[1] if hybrid else 0, month + spent,
        1 - rows[min(n, len(rows) - 1)].overflow / load.mean if load.mean else None,
        rows[top].own if 0 < top < len(rows) else None, load.peak, load.mean,
    )  # fmt: skip


def _figures(
    facts: Facts,
    best: Choice | None,
    api_month: float | None,
    cheapest: ApiOption | None,
    choices: Sequence[Choice],
    ruling: Ruling,
) -> Judgement:
    scale = MONTH_H / facts.hours if facts.hours else 0.0
    now = facts.current_usd * scale if facts.current_usd is not None else None
    candidate = best.usd_month if best else api_month
    saving = now - candidate if now is not None and candidate is not None else None
    costs: dict[str, float | None] = {
        "api": api_month,
        "hybrid": min((c.hybrid_usd_month for c in choices if c.hybrid_usd_month is not None), default=None),
        "self_hosted": min((c.pool_usd_month for c in choices), default=None),
    }
    return Judgement(
        "", "", option=best.deployment if best and best.replicas else (cheapest.deployment if cheapest else ""),
        replicas=best.replicas if best else None, needed=best.needed if best else None,
        own_first=best.own_first if best else None, api_month=api_month, candidate_month=candidate,
        saving_month=saving, flips_at=_flip(best), choices=tuple(choices),
        api_option=cheapest.deployment if cheapest else "", label=best.label if best else "api" if cheapest else "",
        ruling=ruling.label, fired=ruling.fired, removed=dict(ruling.removed),
        shadow_month=shadow_price(costs, ruling.removed) if ruling.removed else None,
    )  # fmt: skip


def _held(figures: Judgement, label: str, facts: Facts) -> Judgement:
    """Return the figures of the label that policy leaves, whatever would be cheapest."""
    scale = MONTH_H / facts.hours if facts.hours else 0.0
    now = facts.current_usd * scale if facts.current_usd is not None else None
    if label == "api":
        month, option, replicas = figures.api_month, figures.api_option, 0
    else:
        pool = min(figures.choices, key=lambda c: c.pool_usd_month, default=None)
        month, option = (pool.pool_usd_month, pool.deployment) if pool else (None, "")
        replicas = pool.pool_replicas if pool else 0
    saving = now - month if now is not None and month is not None else None
    if label == facts.current and saving is not None:
        saving = 0.0  # to stay saves nothing
    return replace(figures, option=option, replicas=replicas, candidate_month=month, saving_month=saving, label=label)


def _operated(facts: Facts, figures: Judgement, best: Choice | None, ruling: Ruling) -> Judgement:
    """Return the verdict where nobody could operate GPUs: the API, and what operating them would save (rule 10)."""
    on_api = figures.api_month or 0.0
    fixed = next((o.usd_fixed_month for o in facts.own if best and o.deployment == best.deployment), 0.0)
    saving = (
        on_api - (best.usd_month + (facts.policy.no_skill_ops_factor - 1) * fixed) if best and best.replicas else 0.0
    )
    why = f"policy: {'; '.join(ruling.fired)}; saves {max(0.0, saving):,.2f} USD a month if operated"
    return _with("api", why, _held(figures, "api", facts))


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
