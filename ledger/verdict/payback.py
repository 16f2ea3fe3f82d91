"""Payback of a move as cash flow, and what leaving paid capacity saves (economics 13); pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HORIZON = 36
LIMIT = 24.0
SHORT, MEDIUM = 6.0, 24.0


@dataclass(frozen=True, slots=True)
class Payback:
    """Months until the switching cost is earned back, or None with the reason; months are those of the horizon."""

    months: float | None
    reason: str = ""
    savings: tuple[float, ...] = field(default=())
    value: float | None = None
    naive: float | None = None

    @property
    def band(self) -> str:
        """Short, medium, long or never."""
        if self.months is None:
            return "never"
        return "short" if self.months <= SHORT else "medium" if self.months <= MEDIUM else "long"


@dataclass(frozen=True, slots=True)
class Move:
    """A move away from the API, USD and months; drift, growth: change of price and volume a month, as shares.

    `rest_month` is API use that stays, `self_months` what self-hosting costs month by month (the last goes on).
    """

    api_month: float
    self_months: Sequence[float]
    once: float
    drift: float = 0.0
    growth: float = 0.0
    double_months: int = 0
    api_minimum: float = 0.0
    minimum_months: int = 0
    rest_month: float = 0.0
    discount: float = 0.0


def project(move: Move, horizon: int = HORIZON) -> Payback:
    """Return the payback of a move with its monthly savings and its value at the horizon (economics 13.2)."""
    savings = [_saving(move, month) for month in range(1, horizon + 1)]
    naive = move.api_month - move.self_months[0] - move.rest_month
    value = -move.once + sum(s * (1 + move.discount) ** (-m / 12) for m, s in enumerate(savings, 1))
    figures = (tuple(savings), value, move.once / naive if naive > 0 else None)
    total = -move.once
    for month, saving in enumerate(savings, 1):
        if total + saving >= 0:
            months = month - 1 + (-total / saving if saving > 0 else 0.0)
            return Payback(months, "", *figures)
        total += saving
    saves = any(s > 0 for s in savings[move.double_months :])
    return Payback(None, "beyond_horizon" if saves and savings[-1] > 0 else "no_saving", *figures)


def _saving(move: Move, month: int) -> float:
    api = move.api_month * ((1 + move.growth) * (1 + move.drift)) ** (month - 1)
    minimum = move.api_minimum if month <= move.minimum_months else 0.0
    own = move.self_months[min(month, len(move.self_months)) - 1]
    after = own + max(api if month <= move.double_months else move.rest_month, minimum)
    return max(api, minimum) - after


def constant(api_month: float, self_month: float, switch_once: float) -> Payback:
    """Return the payback of a constant monthly saving, USD; `no_saving` where there is none."""
    saving = api_month - self_month
    if saving <= 0:
        return Payback(None, "no_saving")
    return Payback(switch_once / saving, naive=switch_once / saving)


@dataclass(frozen=True, slots=True)
class Paid:
    """Own capacity by month, USD: what ends with the traffic (operations, power) and what runs on to month `until`."""

    operations: float
    power: float
    gpus: float
    until: int


@dataclass(frozen=True, slots=True)
class Leaving:
    """What leaving own capacity for the API saves until the horizon: now, when the term ends, in the best month."""

    now: float
    at_the_end: float
    best: float
    best_month: int | None
    cheaper_on_average: str


def leave(paid: Paid, api_months: Sequence[float], exit_fee: float | None = None) -> Leaving:
    """Return what leaving at the start of a month saves (economics 13.1): sunk money never counts as saved.

    `cheaper_on_average` compares everything paid with the API and so forgets that the money is gone.
    """
    ends = paid.operations + paid.power

    def saving(first: int) -> float:
        months = range(first, len(api_months) + 1)
        kept = sum(ends + (paid.gpus if m > paid.until else 0.0) - api_months[m - 1] for m in months)
        if exit_fee is None:
            return kept
        return max(kept, sum(ends + paid.gpus - api_months[m - 1] for m in months) - exit_fee)

    every = [saving(first) for first in range(1, len(api_months) + 1)]
    best = max(every, default=0.0)
    end = every[paid.until] if paid.until < len(every) else 0.0
    average = sum(api_months) / len(api_months) if api_months else 0.0
    return Leaving(
        every[0] if every else 0.0, end, max(best, 0.0), every.index(best) + 1 if best > 0 else None,
        "api" if average <= ends + paid.gpus else "self_hosted",
    )  # fmt: skip
