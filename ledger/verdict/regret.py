"""The regret meter: what staying has cost so far beyond switching, and when that is enough (economics 14.3); pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FACTOR = 0.5


@dataclass(frozen=True, slots=True)
class SwitchCost:
    """What a move costs once, USD: towards the candidate and back."""

    there: float
    back: float

    @property
    def threshold(self) -> float:
        """Regret from which a switch is due: half the round trip."""
        return FACTOR * (self.there + self.back)


def meter(savings: Iterable[float]) -> list[float]:
    """Return the meter after each day: it grows by the day's saving and never falls below 0."""
    out, level = [], 0.0
    for saving in savings:
        level = max(0.0, level + saving)
        out.append(level)
    return out
