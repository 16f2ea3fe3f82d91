"""Advice that remembers: insufficient, steady, watch, recommend, acknowledged, clear (economics 15.2); pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from ledger.verdict.payback import LIMIT

MEASURED = ("A", "B", "C")


@dataclass(frozen=True, slots=True)
class Limits:
    """When advice is given: shares of today's cost, USD a month, days, months; economics 20."""

    margin_share: float = 0.05
    watch_min_share: float = 0.05
    watch_min_usd_month: float = 200.0
    payback_limit_months: float = LIMIT
    repeat_days: int = 30
    change_share: float = 0.25
    cooldown_days: int = 14
    min_days: int = 28


@dataclass(frozen=True, slots=True)
class Signs:
    """What one day says of a move to a candidate, from complete days up to it; USD a day.

    `missing` names what is not known well enough, `caused` says whether what made it pay is still there, `arrived` that
    the traffic runs where it was advised to.
    """

    day: date
    candidate: str
    missing: str = ""
    saving: float = 0.0
    base: float = 0.0
    lower: float | None = None
    upper: float | None = None
    regret: float = 0.0
    threshold: float = 0.0
    payback: float | None = None
    allowed: bool = True
    grade: str = ""
    caused: bool = True
    arrived: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a workload between evaluations; `candidate` is what was advised."""

    state: str = "insufficient"
    since: date | None = None
    candidate: str = ""
    saving: float = 0.0
    told: date | None = None
    cleared: date | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state, or a repetition of what was advised, with the reason; one notification each."""

    day: date
    before: str
    after: str
    reason: str


def advance(memory: Memory, signs: Signs, limits: Limits) -> tuple[Memory, list[Transition]]:
    """Return the memory after a day and what happened; several transitions may happen at once."""
    out: list[Transition] = []
    for _ in range(4):  # insufficient → steady → watch → recommend is the longest way
        after, reason = _next(memory, signs, limits)
        if after == memory.state:
            break
        out.append(Transition(signs.day, memory.state, after, reason))
        memory = _entered(memory, after, signs)
    if not out and memory.state == "recommend" and (why := _again(memory, signs, limits)):
        out.append(Transition(signs.day, "recommend", "recommend", why))
        memory = replace(memory, told=signs.day, saving=signs.saving)
    return memory, out


def acknowledge(memory: Memory, day: date) -> tuple[Memory, Transition]:
    """Return the memory after a person accepted the advice; raises ValueError where none is given."""
    if memory.state != "recommend":
        raise ValueError(f"nothing is recommended; the state is {memory.state}")
    return replace(memory, state="acknowledged", since=day), Transition(day, "recommend", "acknowledged", "accepted")


def switched(memory: Memory, day: date) -> tuple[Memory, Transition]:
    """Return the memory after a move was made: steady, and the regret meter begins anew on the next day."""
    return Memory("steady", day, "", 0.0, None, None), Transition(day, memory.state, "steady", "the move was made")


def _next(memory: Memory, signs: Signs, limits: Limits) -> tuple[str, str]:
    state = memory.state
    if state in ("recommend", "acknowledged"):
        return _latched(state, memory, signs)
    if signs.missing:
        return "insufficient", signs.missing
    if state == "clear":
        return (state, "") if _cooling(memory, signs, limits) else ("steady", "the pause after the last advice is over")
    if not is_worth_watching(signs, limits):
        return "steady", "no saving worth a move" if state == "watch" else "enough is known"
    if state == "watch" and not blocking(signs, limits) and not _cooling(memory, signs, limits):
        return "recommend", f"{signs.saving * 30:,.0f} USD a month, at least {(signs.lower or 0) * 30:,.0f}"
    return ("watch", "a saving that may be worth a move") if state != "watch" else (state, "")


def _latched(state: str, memory: Memory, signs: Signs) -> tuple[str, str]:
    """Return what ends an advice: it does not fall back because one test wavers."""
    if signs.arrived:
        return "steady", "the traffic runs there now"
    if signs.upper is not None and signs.upper < 0 and signs.candidate == memory.candidate:
        return "clear", "the saving is gone"
    return (state, "") if signs.caused else ("clear", "what caused it is gone")


def is_worth_watching(signs: Signs, limits: Limits) -> bool:
    """Say whether the mean saving of the trailing 28 days is large enough to look at."""
    least = max(limits.watch_min_share * signs.base * 30, limits.watch_min_usd_month)
    return bool(signs.candidate) and signs.saving * 30 > least


def blocking(signs: Signs, limits: Limits) -> list[str]:
    """Return which tests of a recommendation do not hold, in words."""
    out = []
    if signs.lower is None or signs.lower <= limits.margin_share * signs.base:
        out.append("the lower bound of the saving is within the margin")
    if signs.regret < signs.threshold:
        out.append(f"staying has cost {signs.regret:,.0f} USD so far, {signs.threshold:,.0f} are half a round trip")
    if signs.payback is None or signs.payback > limits.payback_limit_months:
        out.append("it does not pay back in time")
    if not signs.allowed:
        out.append("policy does not allow it")
    if signs.grade not in MEASURED:
        out.append(f"capacity is grade {signs.grade or 'unknown'}, not measured")
    return out


def _entered(memory: Memory, state: str, signs: Signs) -> Memory:
    if state == "recommend":
        return replace(
            memory, state=state, since=signs.day, candidate=signs.candidate, saving=signs.saving, told=signs.day
        )
    if memory.state in ("recommend", "acknowledged") and state == "steady":
        return Memory("steady", signs.day)
    cleared = signs.day if state == "clear" else memory.cleared
    return replace(memory, state=state, since=signs.day, cleared=cleared)


def _cooling(memory: Memory, signs: Signs, limits: Limits) -> bool:
    return memory.cleared is not None and signs.day - memory.cleared < timedelta(days=limits.cooldown_days)


def _again(memory: Memory, signs: Signs, limits: Limits) -> str:
    if memory.told and signs.day - memory.told >= timedelta(days=limits.repeat_days):
        return f"still recommended after {limits.repeat_days} days"
    moved = abs(signs.saving - memory.saving)
    if signs.candidate == memory.candidate and moved > limits.change_share * abs(memory.saving):
        return f"the saving is now {signs.saving * 30:,.0f} USD a month"
    return ""
