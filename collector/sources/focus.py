"""FOCUS files: charges of any provider in the FinOps Open Cost and Usage Specification, versions 1.0 to 1.4."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from collector import clouds, fields
from collector.bills import token_class
from collector.clouds import text
from ledger.errors import BadRow
from ledger.records import Charge

NEEDED = {"billedcost", "chargeperiodstart", "chargecategory"}
CATEGORIES = ("usage", "purchase", "tax", "credit", "adjustment")
PROVIDERS = {
    "amazon web services": "aws", "aws": "aws", "microsoft": "azure", "microsoft azure": "azure", "azure": "azure",
    "google": "google", "google cloud": "google", "google cloud platform": "google", "gcp": "google",
}  # fmt: skip
"""Names of providers in bills → the price book's; others are taken in lower case."""


@dataclass(slots=True)
class Focus:
    """Parses rows of a FOCUS file; column names are read in any case."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    name: str = "focus"

    def fits(self, row: dict[str, Any]) -> bool:
        """Say whether a row is one of FOCUS."""
        return {key.lower() for key in row} >= NEEDED

    def parse(self, row: dict[str, Any]) -> list[Charge]:
        """Return the charge of one row; raises BadRow naming the column."""
        given = {key.lower(): value for key, value in row.items()}
        start = self._instant(given, "ChargePeriodStart")
        end = self._instant(given, "ChargePeriodEnd") if given.get("chargeperiodend") else start + timedelta(hours=1)
        category = text(given, "chargecategory").lower()
        if category not in CATEGORIES:
            raise BadRow("ChargeCategory", f"{fields.shown(category)} is not one of {', '.join(CATEGORIES)}")
        provider = text(given, "serviceprovidername", "providername", "invoiceissuername").lower() or "unknown"
        provider = PROVIDERS.get(provider, fields.name(provider))
        line = text(given, "skumeter", "chargedescription", "servicename", "skuid")
        billed = fields.money(given.get("billedcost"), "BilledCost")
        effective, listed = given.get("effectivecost"), given.get("listcost")
        quantity, unit = _quantity(given, line)
        period = self._instant(given, "BillingPeriodStart") if given.get("billingperiodstart") else start.replace(day=1)
        return [
            Charge(
                self.name, fields.name(text(given, "billingaccountid")), provider, start, end, category, line[:200],
                model=fields.name(text(given, "x_model", "x_modelname")),
                token_class=token_class(line), project=fields.name(text(given, "subaccountid")),
                resource=fields.name(text(given, "resourceid", "resourcename")), row_id=clouds.row_id(given),
                billed_cost=billed,
                effective_cost=billed if effective in (None, "") else fields.money(effective, "EffectiveCost"),
                list_cost=None if listed in (None, "") else fields.money(listed, "ListCost"),
                currency=fields.name(text(given, "billingcurrency") or "USD").upper(), quantity=quantity, unit=unit,
                billing_period=period.date(), about_models=int(_about_models(given)),
            )
        ]  # fmt: skip

    def _instant(self, given: dict[str, Any], name: str) -> datetime:
        """Return an instant of a column, to the second; FOCUS times are UTC, also where they do not say so."""
        ahead = self.now + timedelta(days=400)  # purchases reach into the future
        return fields.instant(given.get(name.lower()), name, ahead, UTC).replace(microsecond=0)


def _quantity(given: dict[str, Any], line: str) -> tuple[float | None, str]:
    """Return the consumed quantity; tokens are counted one by one, whatever the unit of the bill."""
    told = given.get("consumedquantity")
    category, kind = text(given, "chargecategory").lower(), text(given, "chargeclass").lower()
    if (category != "usage" or kind == "correction") and told not in (None, ""):  # a correction may take usage back
        quantity = clouds.signed(str(told), "ConsumedQuantity")
    else:
        quantity = fields.number(told, "ConsumedQuantity")
    return clouds.tokens(quantity, text(given, "consumedunit"), token_class(line))


def _about_models(given: dict[str, Any]) -> bool:
    if text(given, "servicesubcategory").lower() == "generative ai":
        return True
    names = ("servicename", "skumeter", "serviceprovidername", "providername")
    return clouds.is_about_models(text(given, name) for name in names)
