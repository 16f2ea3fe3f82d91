"""FOCUS 1.4: its Cost and Usage columns, and a check of files against them; pure.

After the public column list: what is mandatory, what may be null, which words are allowed, what goes together.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

VERSION = "1.4"
MANDATORY = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost",
    "EffectiveCost", "HostProviderName", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit",
    "ServiceCategory", "ServiceName", "ServiceProviderName",
)  # fmt: skip
"""Columns that every file has; whether a value may be missing is another question."""
_OTHERS = (
    "AllocatedMethodDetails", "AllocatedMethodId", "AllocatedResourceId", "AllocatedResourceName", "AllocatedTags",
    "AvailabilityZone", "BillingAccountType", "CapacityReservationId", "CapacityReservationStatus", "ChargeFrequency",
    "CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName", "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus", "CommitmentDiscountType", "CommitmentDiscountUnit",
    "CommitmentProgramEligibilityDetails", "ConsumedQuantity", "ConsumedUnit", "ContractApplied", "ContractedUnitPrice",
    "InvoiceDetailId", "InvoiceId", "ListUnitPrice", "PricingCategory", "PricingCurrency",
    "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice", "RegionId",
    "RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceSubcategory", "SkuId", "SkuMeter",
    "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName", "SubAccountType", "Tags",
)  # fmt: skip
STANDARD = (*MANDATORY, *_OTHERS)
MONEY = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost")
_NOT_NULL = (
    *MONEY, "BillingAccountId", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory",
    "ChargePeriodEnd", "ChargePeriodStart", "InvoiceIssuerName", "ServiceCategory", "ServiceName",
    "ServiceProviderName",
)  # fmt: skip
DECIMALS = (
    *MONEY, "PricingQuantity", "ConsumedQuantity", "CommitmentDiscountQuantity", "ListUnitPrice",
    "ContractedUnitPrice", "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice",
    "PricingCurrencyContractedUnitPrice",
)  # fmt: skip
_INSTANTS = ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd")
_WORDS: dict[str, tuple[str, ...]] = {
    "ChargeCategory": ("Usage", "Purchase", "Tax", "Credit", "Adjustment"),
    "ChargeClass": ("Correction",),
    "ChargeFrequency": ("One-Time", "Recurring", "Usage-Based"),
    "PricingCategory": ("Standard", "Dynamic", "Committed", "Other"),
    "CapacityReservationStatus": ("Used", "Unused"),
    "CommitmentDiscountStatus": ("Used", "Unused"),
    "CommitmentDiscountCategory": ("Spend", "Usage"),
    "ServiceCategory": (
        "AI and Machine Learning", "Analytics", "Business Applications", "Compute", "Databases", "Developer Tools",
        "Identity", "Integration", "Internet of Things", "Management and Governance", "Media", "Migration", "Mobile",
        "Multicloud", "Networking", "Other", "Security", "Storage", "Web",
    ),
}  # fmt: skip
_TOGETHER = (
    ("ConsumedQuantity", "ConsumedUnit"), ("PricingQuantity", "PricingUnit"),
    ("CapacityReservationId", "CapacityReservationStatus"), ("CommitmentDiscountId", "CommitmentDiscountCategory"),
    ("RegionId", "RegionName"), ("SubAccountId", "SubAccountType"),
)  # fmt: skip
"""Columns of which the second is there exactly where the first is."""
_CURRENCY = re.compile(r"[A-Z]{3}")
_UTC = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a file: row from 1 (0 = the file itself), column, and why."""

    row: int
    column: str
    why: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.column}: {self.why}" if self.row else f"{self.column}: {self.why}"


def check(columns: Iterable[str], given: Iterable[Mapping[str, Any]], most: int = 100) -> list[Fault]:
    """Hold a file against the columns of FOCUS 1.4: presence, nulls, words, forms, and what goes together."""
    names = list(columns)
    known = set(STANDARD)
    faults = [Fault(0, name, "is mandatory and not there") for name in MANDATORY if name not in names]
    faults += [
        Fault(0, name, "is no column of FOCUS 1.4; columns of one's own begin with x_")
        for name in names if name not in known and not name.startswith("x_")
    ]  # fmt: skip
    for number, row in enumerate(given, 1):
        faults += [Fault(number, column, why) for column, why in _faults(row)]
        if len(faults) >= most:
            return faults[:most]
    return faults


def _faults(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (column, why) of one row."""
    has = {name: value for name, value in row.items() if value not in (None, "")}
    yield from ((name, "is null") for name in _NOT_NULL if name not in has)
    for name, words in _WORDS.items():
        if name in has and has[name] not in words:
            yield name, f"{has[name]!r} is not one of {', '.join(words)}"
    yield from _forms(has)
    yield from _together(row, has)
    yield from _objects(has)


def _forms(has: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in DECIMALS:
        if name in has and _decimal(has[name]) is None:
            yield name, f"{has[name]!r} is not a decimal"
    for name in _INSTANTS:
        if name in has and not _UTC.fullmatch(str(has[name])):
            yield name, f"{has[name]!r} is not an instant such as 2026-11-01T00:00:00Z"
    if not _CURRENCY.fullmatch(str(has.get("BillingCurrency", "USD"))):
        yield "BillingCurrency", f"{has['BillingCurrency']!r} is not of ISO 4217"


def _together(row: Mapping[str, Any], has: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one, other in (("ChargePeriodStart", "ChargePeriodEnd"), ("BillingPeriodStart", "BillingPeriodEnd")):
        if one in has and other in has and not str(has[one]) < str(has[other]):
            yield other, f"is not after {one}"
    for one, other in _TOGETHER:
        if one in row and other in row and (one in has) != (other in has):
            yield other, f"is there exactly where {one} is"
    usage = has.get("ChargeCategory") in ("Usage", "Purchase") and "ChargeClass" not in has
    if usage and "PricingQuantity" not in has:
        yield "PricingQuantity", "is null in a row of usage or purchase"
    if has.get("ChargeCategory") != "Usage" and "ConsumedQuantity" in has:
        yield "ConsumedQuantity", "is for usage only"


def _objects(has: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("Tags", "AllocatedTags", "SkuPriceDetails"):
        if name in has and isinstance(has[name], str):
            try:
                found = json.loads(has[name])
            except ValueError:
                found = None
            if not isinstance(found, dict):
                yield name, "is not a JSON object"


def _decimal(value: Any) -> Decimal | None:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
