"""Advice in the store: what was said each day, what people answered, and what a move really saved."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ledger.records import Advice, signal
from ledger.verdict.states import Memory, Transition, acknowledge, switched
from ledger.verdict.weigh import base_usd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.records import Signal
    from ledger.store import Store
    from ledger.verdict.history import History

_PACKAGE = "ledger.verdict"
MEASURED_DAYS = 28


def memories(store: Store) -> dict[str, Advice]:
    """Return the latest advice of every workload."""
    return {row["workload"]: Advice(**row) for row in store.ask(_PACKAGE, "advice")}


def memory_of(advice: Advice | None) -> Memory:
    """Return what is remembered in a row of advice."""
    if advice is None:
        return Memory()
    told = json.loads(advice.memory)
    dates = {key: date.fromisoformat(told[key]) if told.get(key) else None for key in ("since", "told", "cleared")}
    return Memory(told["state"], dates["since"], told["candidate"], told["saving"], dates["told"], dates["cleared"])


def row_of(
    workload: str, day: date, memory: Memory, regret: float, transitions: list[Transition], **more: str
) -> Advice:
    """Return a row of advice; `more`: event, facts."""
    return Advice(
        day, workload, more.get("event", ""), memory.state, memory.candidate, regret,
        json.dumps(asdict(memory), default=str), json.dumps([asdict(t) for t in transitions], default=str),
        more.get("facts", "{}"),
    )  # fmt: skip


def accept(store: Store, workload: str, forecast: dict[str, Any]) -> Advice:
    """Store that a person accepted the advice, with its forecast; raises ValueError where nothing is recommended."""
    before = memories(store).get(workload)
    if before is None:
        raise ValueError("nothing is recommended yet")
    memory, transition = acknowledge(memory_of(before), before.day)
    row = row_of(
        workload, before.day, memory, before.regret, [transition], event="acknowledged", facts=json.dumps(forecast)
    )
    store.add([row])
    return row


def moved(store: Store, workload: str, day: date) -> Advice:
    """Store that the traffic moved on a day: the regret meter begins anew after it."""
    before = memories(store).get(workload)
    memory, transition = switched(memory_of(before), day)
    row = row_of(workload, day, memory, 0.0, [transition], event="switched")
    store.add([row])
    return row


@dataclass(frozen=True, slots=True)
class Realised:
    """A forecast that was accepted and what came of it, USD a day.

    `forecast` None where no bound could be given then; `saved` None until a complete day after the move.
    """

    since: date
    forecast: float | None
    saved: float | None
    days: int

    @property
    def ratio(self) -> float | None:
        """Measured over forecast."""
        return self.saved / self.forecast if self.saved is not None and self.forecast and self.forecast > 0 else None


def realised(store: Store, history: History) -> Realised | None:
    """Hold the last accepted forecast against the days since the move, at most 28: old way less today's cost."""
    told = _accepted(store.ask(_PACKAGE, "answers", workload=history.workload.name))
    if told is None:
        return None
    begun, facts = told
    days = measured(history, begun, facts.get("from_option", ""))
    saved = fmean(usd for _, usd in days) if days else None
    return Realised(begun + timedelta(days=1), facts["saving_usd_day"], saved, len(days))


def measured(history: History, begun: date, option: str) -> list[tuple[date, float]]:
    """Return the days after a move, at most 28, with what each saved: the old way on its traffic less what it cost."""
    first = max((begun - history.start.date()).days + 1, 0)
    days = range(first, min(history.days, first + MEASURED_DAYS))
    old = history.api.get(option)
    if not old or any(history.own_usd[d] is None for d in days):
        return []
    return [(history.day(d).date(), old[d].usd - base_usd(history, d)) for d in days]


def scores(store: Store, histories: Mapping[str, History]) -> list[Signal]:
    """Return what accepted moves saved day by day beside their forecasts, for those who look at it over time."""
    out = []
    for name, rows in _by_workload(store.ask(_PACKAGE, "answers", workload="")).items():
        told = _accepted(rows)
        if told is None or name not in histories:
            continue
        begun, facts = told
        for day, usd in measured(histories[name], begun, facts.get("from_option", "")):
            at = datetime.combine(day, time(), UTC)
            out.append(signal("realised_saving", at, usd, {"workload": name}))
            if facts["saving_usd_day"] is not None:
                out.append(signal("forecast_saving", at, facts["saving_usd_day"], {"workload": name}))
    return out


def _by_workload(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    out: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        out.setdefault(row["workload"], []).append(row)
    return out


def _accepted(events: list[dict[str, Any]]) -> tuple[date, dict[str, Any]] | None:
    """Return the day of the last answer and the forecast that was accepted last; None where none was."""
    accepted = [row for row in events if row["event"] == "acknowledged"]
    if not accepted:
        return None
    return max(row["day"] for row in events), json.loads(accepted[-1]["facts"])
