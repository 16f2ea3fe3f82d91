"""What owned hardware costs by time (economics 4.1 to 4.3): amortisation and energy; pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

HOURS_A_MONTH = 720
"""A 30-day month carries one monthly amount."""


def straight_line(price: Decimal, residual: Decimal, months: int) -> Decimal:
    """Return USD a month of a purchase that loses its value evenly."""
    return (price - residual) / months


def annuity(price: Decimal, residual: Decimal, months: int, annual_rate: Decimal) -> Decimal:
    """Return USD a month that pay a purchase back with interest on what is still tied up in it."""
    rate = annual_rate / 12
    if not rate:
        return straight_line(price, residual, months)
    shrink = (1 + rate) ** -months
    return (price - residual * shrink) * rate / (1 - shrink)


def prepaid_hour(upfront: Decimal, since: datetime, until: datetime) -> Decimal:
    """Return USD an hour of what was paid at once for a term; what is used and what is not add up to it (3.5)."""
    return upfront * 3600 / Decimal(str((until - since).total_seconds()))


def energy_usd(measured_wh: float, silent: float, gpu_w: float, host_w: float, usd_per_kwh: Decimal) -> Decimal:
    """Return what the power of an hour costs: as measured, and at the expected watts where nothing was.

    `silent` is in GPU-hours; `usd_per_kwh` is the tariff times PUE.
    """
    return Decimal(str(round(measured_wh + silent * gpu_w + host_w, 6))) / 1000 * usd_per_kwh
