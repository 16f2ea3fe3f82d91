"""What the advice would have cost: history followed through the state machine, held against hindsight; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean
from typing import TYPE_CHECKING

from ledger.verdict.payback import constant
from ledger.verdict.states import Limits, Memory, Signs, advance
from ledger.verdict.uncertainty import WEEK, WEEKS, bound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.verdict.regret import SwitchCost

WINDOW = WEEK * WEEKS
_EPOCH = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Switch:
    """A move that the advice would have led to: on which day of the series, and to which of the two ways."""

    day: int
    to: int
    saving_usd_day: float


@dataclass(frozen=True, slots=True)
class Followed:
    """Costs of a history, USD with switching: as advised, staying, and the best that hindsight could have done."""

    cost: float
    stayed: float
    clairvoyant: float
    switches: tuple[Switch, ...]

    @property
    def ratio(self) -> float | None:
        """Cost of following the advice over that of hindsight."""
        return self.cost / self.clairvoyant if self.clairvoyant > 0 else None


def follow(
    ways: tuple[Sequence[float], Sequence[float]], costs: SwitchCost, limits: Limits, start: int = 0
) -> Followed:
    """Follow two ways to serve the same days, USD a day each, from one of them, moving when a move is recommended.

    The move is made on the day after the advice; `costs.there` is to the second way, `costs.back` to the first.
    """
    at, paid, regret = start, 0.0, 0.0
    memory = Memory("steady")
    switches: list[Switch] = []
    days = len(ways[0])
    for day in range(days):
        here, there = ways[at], ways[1 - at]
        paid += here[day]
        saving = here[day] - there[day]
        regret = max(0.0, regret + saving)
        if day + 1 < WINDOW or day + 1 == days:
            continue
        once = costs.there if at == 0 else costs.back
        found = _signs(day, here, there, regret, costs.threshold, once, f"way {1 - at}")
        memory, _ = advance(memory, found, limits)
        if memory.state == "recommend":
            paid += once
            at = 1 - at
            switches.append(Switch(day + 1, at, found.saving))
            memory, regret = Memory("steady"), 0.0
    return Followed(paid, sum(ways[start]), clairvoyant(ways, costs, start), tuple(switches))


def _signs(
    day: int, here: Sequence[float], there: Sequence[float], regret: float, threshold: float, once: float, name: str
) -> Signs:
    last = range(day + 1 - WINDOW, day + 1)
    savings = [here[d] - there[d] for d in last]
    base = [here[d] for d in last]
    weeks = [range(WINDOW - WEEK * (k + 1), WINDOW - WEEK * k) for k in range(WEEKS)]
    sure = bound(savings, base, weeks)
    saving, paid = fmean(savings), fmean(base)
    return Signs(
        _EPOCH + timedelta(days=day), name, "", saving, paid, sure.lower, sure.upper, regret, threshold,
        constant(paid * 30, (paid - saving) * 30, once).months, True, "A",
    )  # fmt: skip


def clairvoyant(ways: tuple[Sequence[float], Sequence[float]], costs: SwitchCost, start: int = 0) -> float:
    """Return the least that two ways could have cost with perfect foresight, switching costs in it."""
    best = [0.0 if start == 0 else costs.back, 0.0 if start == 1 else costs.there]
    for first, second in zip(*ways, strict=True):
        best = [min(best[0], best[1] + costs.back) + first, min(best[1], best[0] + costs.there) + second]
    return min(best)
