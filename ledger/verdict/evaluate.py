"""Evaluate every workload: read its days from the ledger, judge, remember the advice, and write both down."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ledger.records import Verdict
from ledger.verdict import explain
from ledger.verdict.binned import BUCKET_S, hours_of_week
from ledger.verdict.history import boxes, read
from ledger.verdict.judge import MONTH_H
from ledger.verdict.remember import memories, memory_of, row_of, scores
from ledger.verdict.states import Signs, advance
from ledger.verdict.weigh import Settings, signs, weigh

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ledger.costing.declared import Declared
    from ledger.prices.register import PriceRegister
    from ledger.records import Advice
    from ledger.store import Store
    from ledger.verdict.history import Box, History
    from ledger.verdict.weigh import Weighed

_PACKAGE = "ledger.verdict"
DAYS = 56
FIRST_DAYS = 400
"""Days that are read at an evaluation, and at a workload's first: the regret meter begins where history does."""
_CENT = Decimal("0.01")


def evaluate(
    store: Store,
    prices: PriceRegister,
    declared: Declared,
    as_of: datetime,
    settings: Settings | None = None,
    *,
    names: Iterable[str] = (),
    keep: bool = True,
    deep: bool = False,
) -> list[Verdict]:
    """Judge every declared workload (or those named) over its last complete days, and store verdicts and advice.

    `keep` False stores nothing; `deep` adds what only an explanation needs (the volume that would flip it, bands).
    """
    settings = settings or Settings()
    settings = with_tests(store, settings)
    remembered = memories(store)
    wanted = [w.name for w in declared.workloads if not names or w.name in set(names)]
    days = FIRST_DAYS if any(name not in remembered for name in wanted) else DAYS
    widths = {name: terms.bucket_s for name, terms in settings.terms.items()}
    histories = read(store, prices, declared, as_of, days, widths=widths, names=wanted)
    priced = boxes(declared, as_of)
    verdicts, advice = [], []
    for name in wanted:
        history = histories[name]
        weighed = weigh(history, history.days - 1, priced, settings)
        notes = _advise(history, priced, settings, weighed, remembered.get(name))
        advice += notes
        state = notes[-1] if notes else remembered.get(name)
        details = explain.details(history, weighed, settings, state, deep=deep)
        if deep and history.days:
            details |= _deeper(store, history, weighed, priced, widths.get(name, BUCKET_S))
        verdicts.append(_verdict(weighed, as_of, details))
    if keep:
        store.add(verdicts)
        store.add(advice)
        store.add(scores(store, histories))
    return verdicts


def _deeper(store: Store, history: History, weighed: Weighed, priced: dict[str, Box], width: int) -> dict[str, Any]:
    """Return what an explanation needs beside the days: the hours of the week, capacity that is paid for."""
    best = min(weighed.judgement.choices, key=lambda c: (c.usd_month, c.deployment), default=None)
    box = priced.get(best.deployment) if best else None
    hours = hours_of_week(store, history, box.deployment, width) if box else {}
    return {"scheduled": explain.scheduled(weighed, hours), "leaving": explain.leaving(weighed, box)}


def with_tests(store: Store, settings: Settings) -> Settings:
    """Return settings with the shapes that each deployment's load test covered."""
    rows = store.ask("ledger.costing", "capacities")
    tested = {row["deployment"]: json.loads(row["evidence"]).get("shapes") or [] for row in rows if row["grade"] == "A"}
    return Settings(**{**{f: getattr(settings, f) for f in Settings.__slots__}, "tested": tested})


def _advise(
    history: History, priced: dict[str, Box], settings: Settings, weighed: Weighed, before: Advice | None
) -> list[Advice]:
    """Advance the advice over every complete day since the last one, so that a missed evaluation changes nothing."""
    memory = memory_of(before)
    last = history.days - 1
    first = 0 if before is None else (before.day - history.start.date()).days + 1
    since, start = max(first, 0), before.regret if before is not None and before.event != "switched" else 0.0
    begun = max(since, last - 27 if before is None else 0)
    if first < settings.limits.min_days and (before is None or before.event != "switched"):
        since, start = 0, 0.0  # nothing was weighed yet: the meter begins with the history
    out = []
    for day in range(begun, last + 1):
        if day + 1 < settings.limits.min_days:  # nothing to weigh: history is too short, whatever it says
            found = Signs(history.day(day).date(), "", f"{day + 1} complete days")
        else:
            advised = memory.candidate if memory.state in ("recommend", "acknowledged") else ""
            now = weighed if day == last and not advised else weigh(history, day, priced, settings, advised)
            found = signs(history, day, now, settings, since, start)
        memory, transitions = advance(memory, found, settings.limits)
        out.append(row_of(history.workload.name, found.day, memory, found.regret, transitions))
    if before is not None and first > last >= 0 and before.event != "switched":
        out += _again(history, priced, settings, weighed, before)
    return out


def _again(
    history: History, priced: dict[str, Box], settings: Settings, weighed: Weighed, before: Advice
) -> list[Advice]:
    """Look at the last day again, for a price, rate or policy may have been edited since; tell what that changes."""
    memory, last = memory_of(before), history.days - 1
    advised = memory.candidate if memory.state in ("recommend", "acknowledged") else ""
    now = weigh(history, last, priced, settings, advised) if advised else weighed
    found = signs(history, last, now, settings, last + 1, before.regret)
    memory, transitions = advance(memory, found, settings.limits)
    if not transitions or found.day != before.day:
        return []
    row = row_of(
        history.workload.name, found.day, memory, before.regret, transitions, event=before.event, facts=before.facts
    )
    told = [*json.loads(before.transitions), *json.loads(row.transitions)]
    return [replace(row, transitions=json.dumps(told))]


def _verdict(weighed: Weighed, as_of: datetime, details: dict[str, Any]) -> Verdict:
    facts, found = weighed.facts, weighed.judgement
    return Verdict(
        at=as_of, workload=facts.workload, verdict=found.verdict, reason=found.reason, current=facts.current,
        option=found.option, replicas=found.replicas, used_share_needed=found.needed, used_share=found.own_first,
        api_usd_month=_usd(found.api_month), candidate_usd_month=_usd(found.candidate_month),
        saving_usd_month=_usd(found.saving_month),
        requests_month=facts.successful_requests * MONTH_H / facts.hours if facts.hours else None,
        coverage=facts.coverage, flips_at=found.flips_at,
        details=json.dumps(details),
    )  # fmt: skip


def _usd(amount: float | None) -> Decimal | None:
    return None if amount is None else Decimal(repr(amount)).quantize(_CENT)
