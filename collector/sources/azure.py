"""Azure: the lines of a Cost Management export (actual or amortized), CSV or Parquet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from collector import clouds, fields
from collector.bills import token_class
from collector.clouds import text
from ledger.errors import BadRow
from ledger.records import Charge

CATEGORIES = {
    "usage": "usage", "purchase": "purchase", "unusedreservation": "purchase", "unusedsavingsplan": "purchase",
    "tax": "tax", "refund": "credit", "credit": "credit",
}  # fmt: skip
"""Charge types → FOCUS charge categories; any other is an adjustment."""
_COST = ("cost_in_billing_currency", "cost", "pre_tax_cost", "costinbillingcurrency", "pretaxcost")
_WORDS = {"inp": "input", "inpt": "input", "outp": "output", "opt": "output", "cchd": "cached", "cach": "cached"}
"""Short words of meter names → the words of other bills."""
_NOISE = {
    "input", "output", "cached", "tokens", "token", "glbl", "gl", "global", "regnl", "rgnl", "regional", "dzone", "dz",
    "data", "zone", "batch", "pp", "1k", "1m", "shortco", "longco",
}  # fmt: skip
"""Words of meter names that are not of the model."""


@dataclass(slots=True)
class Azure:
    """Parses rows of a Cost Management export; everything that is not of models is kept apart."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    name: str = "azure"

    def fits(self, row: dict[str, Any]) -> bool:
        """Say whether a row is one of a Cost Management export."""
        given = clouds.columns(row).keys()
        return {"meter_category", "meter_name"} <= given and any(name in given for name in _COST)

    def parse(self, row: dict[str, Any]) -> list[Charge]:
        """Return the charge of one row, a UTC day; raises BadRow naming the column."""
        given = clouds.columns(row)
        start = self._day(text(given, "date", "usage_date", "usage_date_time"), "date")
        first = text(given, "billing_period_start_date")
        meter = text(given, "meter_name")
        kind = token_class(" ".join(_words(meter)))
        used = clouds.signed(text(given, "quantity", "usage_quantity"), "quantity")
        quantity, unit = clouds.tokens(used, text(given, "unit_of_measure"), kind)
        billed = fields.money(text(given, *_COST), "costInBillingCurrency")
        category = CATEGORIES.get(text(given, "charge_type").lower() or "usage", "adjustment")
        words = (text(given, "meter_category"), text(given, "meter_sub_category"), meter)
        return [
            Charge(
                self.name, fields.name(text(given, "billing_account_id", "subscription_id")), "azure",
                start, start + timedelta(days=1), category, meter[:200],
                model=fields.name(model_of(meter)) if kind else "", token_class=kind,
                project=fields.name(text(given, "subscription_id")), tier=tier_of(meter),
                resource=fields.name(text(given, "resource_id", "instance_id")), row_id=clouds.row_id(given),
                billed_cost=billed, effective_cost=billed,
                currency=fields.name(text(given, "billing_currency", "billing_currency_code") or "USD").upper(),
                quantity=quantity, unit=unit,
                billing_period=(self._day(first, "billingPeriodStartDate") if first else start.replace(day=1)).date(),
                about_models=int(clouds.is_about_models(words)),
            )
        ]  # fmt: skip

    def _day(self, told: str, name: str) -> datetime:
        """Return the start of a UTC day; exports write it as 2026-11-20 or 11/20/2026, with or without a time."""
        american = re.match(r"(\d{1,2})/(\d{1,2})/(\d{4})", told)
        if american:
            month, day, year = map(int, american.groups())
            if not 1 <= month <= 12:
                raise BadRow(name, f"{fields.shown(told)}: month first is expected, as in 11/20/2026")
            told = f"{year}-{month:02}-{day:02}"
        found = fields.instant(told, name, self.now + timedelta(days=400), UTC)
        return found.replace(hour=0, minute=0, second=0, microsecond=0)


def _words(meter: str) -> list[str]:
    return [_WORDS.get(word, word) for word in meter.lower().split()]


def model_of(meter: str) -> str:
    """Return the model that a meter name begins with."""
    return " ".join(word for word in _words(meter) if word not in _NOISE)


def tier_of(meter: str) -> str:
    """Return batch or priority (PP) where a meter name says so, else standard."""
    words = _words(meter)
    return "batch" if "batch" in words else "priority" if "pp" in words else "standard"
