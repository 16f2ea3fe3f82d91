"""Whether the unused capacity of a pool is worth an alert, and what speaks against it (economics 18.2); pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.costing.declared import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class IdleLimits(Limits):
    """Limits of GPU states and of the idle alert, shares of 1 and USD a day; `clear`: for an alert that is on."""

    used_share_below: float = 0.10
    clear_at: float = 0.125
    min_usd_day: float = 20.0
    clear_usd_day: float = 15.0
    max_unknown: float = 0.20
    unknown_clear: float = 0.10


@dataclass(frozen=True, slots=True)
class Window:
    """Money of a pool over a span of days, USD: what worked, what was unused, what nothing is known of, everything."""

    days: float
    used: float
    unused: float
    unknown: float
    total: float

    @property
    def used_share(self) -> float | None:
        """Used over used and unused money: unknown time, spares and other use are left out."""
        known = self.used + self.unused
        return self.used / known if known > 0 else None

    @property
    def unused_usd_day(self) -> float:
        """Unused money a day."""
        return self.unused / self.days

    @property
    def unknown_share(self) -> float | None:
        """Share of all money of which nothing is known."""
        return self.unknown / self.total if self.total > 0 else None


@dataclass(frozen=True, slots=True)
class Standing:
    """`underused`, `telemetry_gap` or none, and what holds an idle alert back."""

    alert: str
    held_back: tuple[str, ...] = ()


def standing(windows: Sequence[Window], limits: IdleLimits, *, spare: bool = False, was: str = "") -> Standing:
    """Return how a pool stands over its windows (24 hours, 7 days); `was` is the alert that is on.

    A telemetry gap replaces the idle alert: unknown time is never called idle.
    """
    unknown = max((w.unknown_share or 0.0 for w in windows), default=0.0)
    if unknown > (limits.unknown_clear if was == "telemetry_gap" else limits.max_unknown):
        return Standing("telemetry_gap", (f"nothing is known of {unknown:.0%} of the money",))
    share = limits.clear_at if was == "underused" else limits.used_share_below
    usd_day = limits.clear_usd_day if was == "underused" else limits.min_usd_day
    held = ["the pool is a declared spare"] if spare else []
    for one in windows:
        over = "24 hours" if one.days <= 1 else f"{one.days:.0f} days"
        if one.used_share is None:
            held.append(f"nothing is known of the last {over}")
        elif one.used_share >= share:
            held.append(f"{one.used_share:.0%} used over {over}, an alert is due below {share:.1%}")
        if one.unused_usd_day < usd_day:
            held.append(f"{one.unused_usd_day:.2f} USD a day unused over {over}, an alert is due from {usd_day:.0f}")
    return Standing("", tuple(held)) if held or not windows else Standing("underused")
