"""Payback of a move: when the saving has paid for the switch; pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Payback:
    """Months until the switching cost is earned back, or None with the reason."""

    months: float | None
    reason: str = ""


def constant(api_month: float, self_month: float, switch_once: float) -> Payback:
    """Return the payback of a constant monthly saving, USD; `no_saving` where there is none."""
    saving = api_month - self_month
    if saving <= 0:
        return Payback(None, "no_saving")
    return Payback(switch_once / saving)
