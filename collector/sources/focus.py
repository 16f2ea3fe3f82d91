"""FOCUS files: charges of any provider in the FinOps Open Cost and Usage Specification, versions 1.0 to 1.4."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from collector import fields
from collector.bills import token_class
from ledger.errors import BadRow
from ledger.records import Charge

NEEDED = {"billedcost", "chargeperiodstart", "chargecategory"}
CATEGORIES = ("usage", "purchase", "tax", "credit", "adjustment")
PROVIDERS = {
    "amazon web services": "aws", "aws": "aws", "microsoft": "azure", "microsoft azure": "azure", "azure": "azure",
    "google": "google", "google cloud": "google", "google cloud platform": "google", "gcp": "google",
}  # fmt: skip
"""Names of providers in bills → the price book's; others are taken in lower case."""
_MODELS = re.compile(r"bedrock|openai|anthropic|claude|gemini|vertex ai|generative|mistral|openrouter", re.IGNORECASE)
_NUMBERS = ("cost", "price", "quantity")
_UNITS = {"tokens": 1, "token": 1, "1000 tokens": 1000, "1k tokens": 1000, "1m tokens": 10**6, "1000000 tokens": 10**6}


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
        category = _text(given, "ChargeCategory").lower()
        if category not in CATEGORIES:
            raise BadRow("ChargeCategory", f"{category!r} is not one of {', '.join(CATEGORIES)}")
        provider = _text(given, "ServiceProviderName", "ProviderName", "InvoiceIssuerName").lower() or "unknown"
        provider = PROVIDERS.get(provider, fields.name(provider))
        line = _text(given, "SkuMeter", "ChargeDescription", "ServiceName", "SkuId")
        billed = fields.money(given.get("billedcost"), "BilledCost")
        effective, listed = given.get("effectivecost"), given.get("listcost")
        quantity, unit = _quantity(given)
        period = self._instant(given, "BillingPeriodStart") if given.get("billingperiodstart") else start.replace(day=1)
        return [
            Charge(
                self.name, fields.name(_text(given, "BillingAccountId")), provider, start, end, category, line[:200],
                model=fields.name(_text(given, "x_Model", "x_ModelName")),
                token_class=token_class(line), project=fields.name(_text(given, "SubAccountId")),
                resource=fields.name(_text(given, "ResourceId", "ResourceName")), row_id=_row_id(given),
                billed_cost=billed,
                effective_cost=billed if effective in (None, "") else fields.money(effective, "EffectiveCost"),
                list_cost=None if listed in (None, "") else fields.money(listed, "ListCost"),
                currency=fields.name(_text(given, "BillingCurrency") or "USD").upper(), quantity=quantity, unit=unit,
                billing_period=period.date(), about_models=int(_about_models(given)),
            )
        ]  # fmt: skip

    def _instant(self, given: dict[str, Any], name: str) -> datetime:
        """Return an instant of a column, to the second; FOCUS times are UTC, also where they do not say so."""
        ahead = self.now + timedelta(days=400)  # purchases reach into the future
        return fields.instant(given.get(name.lower()), name, ahead, UTC).replace(microsecond=0)


def _text(given: dict[str, Any], *names: str) -> str:
    found = (given.get(name.lower()) for name in names)
    return next((str(value).strip() for value in found if value not in (None, "")), "")


def _quantity(given: dict[str, Any]) -> tuple[float | None, str]:
    """Return the consumed quantity; tokens are counted one by one, whatever the unit of the bill."""
    unit = _text(given, "ConsumedUnit")
    told = given.get("consumedquantity")
    plain = _text(given, "ChargeClass").lower() != "correction" and _text(given, "ChargeCategory").lower() == "usage"
    if not plain and told not in (None, ""):  # a correction may take usage back
        quantity: float | None = float(fields.money(told, "ConsumedQuantity"))
    else:
        quantity = fields.number(told, "ConsumedQuantity")
    factor = _UNITS.get(unit.lower())
    if quantity is None or factor is None:
        return quantity, fields.name(unit)
    return quantity * factor, "tokens"


def _about_models(given: dict[str, Any]) -> bool:
    """Say whether a charge is for models: a bill of a cloud holds everything else too."""
    if _text(given, "ServiceSubcategory").lower() == "generative ai":
        return True
    words = " ".join(_text(given, name) for name in ("ServiceName", "SkuMeter", "ServiceProviderName", "ProviderName"))
    return bool(_MODELS.search(words))


def _row_id(given: dict[str, Any]) -> str:
    """Hash all that a row says beside its numbers: two rows that differ in a tag are two charges."""
    words = sorted(
        f"{key}={value}" for key, value in given.items() if value not in (None, "") and not key.endswith(_NUMBERS)
    )
    return hashlib.blake2b("\x1f".join(words).encode("utf-8", "replace"), digest_size=12).hexdigest()
