"""The same days under other prices, volume or replicas; and history followed through the advice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ledger.verdict.backtest import Followed, follow
from ledger.verdict.explain import priced, scaled
from ledger.verdict.hybrid import optimum, steps
from ledger.verdict.judge import MONTH_H, judge
from ledger.verdict.weigh import facts_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.verdict.history import Box, History
    from ledger.verdict.judge import Choice, Facts, Judgement
    from ledger.verdict.weigh import Settings

WEEK = 7
WINDOW = 28


@dataclass(frozen=True, slots=True)
class Change:
    """What is asked: USD of a GPU-hour, factors of API prices and volume, a number of replicas; None as it is."""

    gpu_usd_hour: float | None = None
    api_factor: float = 1.0
    volume: float = 1.0
    replicas: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict as it is and as it would be; `fixed_month` is USD in 720 h of the number of replicas asked for."""

    now: Judgement
    then: Judgement
    fixed_month: float | None = None
    deployment: str = ""


def whatif(facts: Facts, change: Change, gpus_per_replica: Mapping[str, int]) -> Answer:
    """Return what a change does to the label and its figures; bounds and memory are left out, point costs decide."""
    other = scaled(priced(facts, change.api_factor), change.volume)
    if change.gpu_usd_hour is not None:
        own = tuple(
            replace(o, usd_replica_hour=change.gpu_usd_hour * gpus_per_replica.get(o.deployment, 1), paid=0)
            for o in other.own
        )
        other = replace(other, own=own)
    if change != Change(replicas=change.replicas):
        other = replace(other, current_usd=_current_usd(facts, change))
    then = judge(other)
    if change.replicas is None:
        return Answer(judge(facts), then)
    best = min(then.choices, key=lambda c: (c.usd_month, c.deployment), default=None)
    return Answer(judge(facts), then, _fixed(other, best, change.replicas), best.deployment if best else "")


def _current_usd(facts: Facts, change: Change) -> float | None:
    """Return today's cost under a change; None off the API, where idle and busy hours do not scale with volume."""
    if facts.current_usd is None or facts.current != "api":
        return None
    return facts.current_usd * change.api_factor * change.volume


def _fixed(facts: Facts, best: Choice | None, replicas: int) -> float | None:
    own = next((o for o in facts.own if best and o.deployment == best.deployment), None)
    if own is None or best is None:
        return None
    rows = steps(own.load, max(replicas, 1))
    hour = own.hour(replicas) + best.displaced * rows[replicas].overflow
    return hour * MONTH_H + (own.usd_fixed_month if replicas else 0.0)


@dataclass(frozen=True, slots=True)
class Backtest:
    """History followed through the advice, for one own deployment; `replicas` as each week chose them."""

    deployment: str
    replicas: tuple[int, ...]
    followed: Followed


def backtest(history: History, boxes: Mapping[str, Box], settings: Settings) -> list[Backtest]:
    """Follow a workload's days: all on the cheapest API, or the replicas that past weeks chose with the rest there.

    Out of sample: each week runs on the number that the 28 days before it would have chosen; the first 28 days, before
    any advice, on what they choose themselves. Prices are today's.
    """
    if history.days <= WINDOW:
        return []
    facts = facts_at(history, history.days - 1, boxes, settings)
    cheapest = min(
        (o for o in facts.api if o.usd is not None), key=lambda o: (o.usd or 0.0, o.deployment), default=None
    )
    if cheapest is None:
        return []
    on_api = [p.usd for p in history.api[cheapest.deployment]]
    out = []
    for own in facts.own:
        if own.usd_replica_hour is None or own.deployment not in history.load:
            continue
        replicas = _best_replicas(facts_at(history, WINDOW - 1, boxes, settings), own.deployment)
        chosen, costs = [replicas], []
        for day in range(history.days):
            if day > WINDOW and (day - WINDOW) % WEEK == 0:
                replicas = _best_replicas(facts_at(history, day - 1, boxes, settings), own.deployment)
                chosen.append(replicas)
            load = history.load[own.deployment][day]
            hour = own.hour(replicas) if replicas else 0.0
            share = load.overflow(replicas) / load.mean if load.mean else 0.0
            costs.append(hour * 24 + on_api[day] * share + (own.usd_fixed_month / 30 if replicas else 0.0))
        start = 0 if facts.current in ("api", "") else 1
        found = follow((on_api, costs), settings.switch("hybrid"), settings.limits, start)
        out.append(Backtest(own.deployment, tuple(chosen), found))
    return out


def _best_replicas(facts: Facts, deployment: str) -> int:
    found = judge(facts)
    choice = next((c for c in found.choices if c.deployment == deployment), None)
    if choice is None:
        return 0
    own = next(o for o in facts.own if o.deployment == deployment)
    return optimum(steps(own.load), own.load.mean, choice.usd_replica_hour, choice.displaced, held=own.hour).n
