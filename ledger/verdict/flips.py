"""What would flip a verdict: where the label changes with one input, all else held (economics 10.5); pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LOWEST, HIGHEST = 0.01, 100.0
TOLERANCE = 0.001


@dataclass(frozen=True, slots=True)
class Flip:
    """The label becomes `label` when `what` falls or rises to `value` (now `now`)."""

    what: str
    value: float
    now: float
    label: str
    unit: str = ""

    @property
    def direction(self) -> str:
        """Rises or falls."""
        return "rises" if self.value > self.now else "falls"


def factors(label: Callable[[float], str]) -> list[tuple[float, str]]:
    """Return the nearest factors below and above 1 at which a label changes, to 0.1 %, with the label beyond them.

    Looked for between 0.01 and 100: first in steps of 5 %, then by halving the step that holds the change.
    """
    now = label(1.0)
    out = []
    for step in (1 / 1.05, 1.05):
        near = 1.0
        while LOWEST < near * step < HIGHEST:
            far = near * step
            other = label(far)
            if other != now:
                out.append(_halve(label, near, far, now))
                break
            near = far
    return out


def _halve(label: Callable[[float], str], near: float, far: float, now: str) -> tuple[float, str]:
    while abs(far / near - 1) > TOLERANCE / 2:
        middle = (near * far) ** 0.5
        near, far = (middle, far) if label(middle) == now else (near, middle)
    return far, label(far)


def gpu_price_edges(displaced: float, variable: float, own_first: float, own_last: float) -> tuple[float, float]:
    """Return the replica-hour prices between api and hybrid, and between hybrid and no overflow."""
    return own_first * (displaced - variable), own_last * (displaced - variable)


def keeps_replicas(displaced: float, variable: float, own_here: float, own_next: float) -> tuple[float, float]:
    """Return the replica-hour prices between which n* stays what it is."""
    return own_next * (displaced - variable), own_here * (displaced - variable)
