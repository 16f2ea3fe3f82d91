"""Google: rows of the Cloud Billing export of BigQuery, as JSON lines, CSV or Parquet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from collector import clouds, fields
from collector.bills import token_class
from collector.clouds import text
from ledger.records import Charge

CATEGORIES = {"regular": "usage", "tax": "tax", "adjustment": "adjustment", "rounding_error": "adjustment"}
"""Cost types → FOCUS charge categories."""
_FAMILY = re.compile(r"\b(?:gemini|claude|imagen|veo|gemma|mistral|llama|text-embedding)\b[^,(]*", re.IGNORECASE)
_NOISE = re.compile(
    r"\b(?:short|long|input|output|cached|caching|batch|flex|priority|text|audio|image|video|token|tokens|count|"
    r"predictions|thinking|storage|hours|for|using)\b.*",
    re.IGNORECASE,
)
_LABEL = "goog-generativelanguage-model"


@dataclass(slots=True)
class Google:
    """Parses rows of the billing export; everything that is not of models is kept apart."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    name: str = "google"

    def fits(self, row: dict[str, Any]) -> bool:
        """Say whether a row is one of the billing export."""
        return {"service_description", "sku_description", "usage_start_time", "cost"} <= clouds.columns(row).keys()

    def parse(self, row: dict[str, Any]) -> list[Charge]:
        """Return the charge of one row and one for each credit on it; raises BadRow naming the column."""
        given = clouds.columns(row)
        start, end = self._instant(given, "usage_start_time"), self._instant(given, "usage_end_time")
        sku = text(given, "sku_description")
        kind = "" if "storage" in sku.lower() else token_class(sku)
        labels = clouds.pairs(row.get("labels"))
        used = clouds.signed(text(given, "usage_amount"), "usage.amount")
        quantity, unit = clouds.tokens(used, text(given, "usage_unit"), kind)
        billed = fields.money(given.get("cost"), "cost")
        words = (text(given, "service_description"), sku)
        left_out = ("credits", "export_time", "labels")
        charge = Charge(
            self.name, fields.name(text(given, "billing_account_id")), "google", start, max(end, start),
            CATEGORIES.get(text(given, "cost_type").lower() or "regular", "adjustment"), sku[:200],
            model=fields.name(labels.get(_LABEL) or model_of(sku)) if kind else "", token_class=kind,
            project=fields.name(text(given, "project_id")), tier=tier_of(sku),
            resource=fields.name(text(given, "resource_global_name", "resource_name")),
            row_id=clouds.row_id({**given, "tags": sorted(labels.items())}, left_out), billed_cost=billed,
            effective_cost=billed, currency=fields.name(text(given, "currency") or "USD").upper(),
            quantity=quantity, unit=unit, billing_period=self._month(given, start),
            about_models=int(clouds.is_about_models(words)),
        )  # fmt: skip
        return [charge, *_credits(charge, row.get("credits"))]

    def _instant(self, given: dict[str, Any], name: str) -> datetime:
        told = str(given.get(name) or "").removesuffix(" UTC")
        return fields.instant(told, name, self.now + timedelta(days=400), UTC).replace(microsecond=0)

    @staticmethod
    def _month(given: dict[str, Any], start: datetime) -> date:
        told = text(given, "invoice_month")
        return date(int(told[:4]), int(told[4:6]), 1) if re.fullmatch(r"\d{6}", told) else start.date().replace(day=1)


def _credits(charge: Charge, told: Any) -> list[Charge]:
    """Return the credits of a row as charges of their own: cost is before them."""
    out: dict[str, Charge] = {}
    for one in told if isinstance(told, list) else []:
        name = fields.name(str(one.get("name") or one.get("type") or "credit"))
        amount = fields.money(one.get("amount"), "credits.amount")
        before = out.get(name)
        whole = amount + (before.billed_cost if before else 0)
        out[name] = Charge(
            charge.source, charge.account, charge.provider, charge.start, charge.end, "credit", name[:200],
            project=charge.project, resource=charge.resource, row_id=charge.row_id, billed_cost=whole,
            effective_cost=whole, currency=charge.currency, billing_period=charge.billing_period,
            about_models=charge.about_models,
        )  # fmt: skip
    return list(out.values())


def model_of(sku: str) -> str:
    """Return the model that the text of a SKU names."""
    found = _FAMILY.search(sku)
    return _NOISE.sub("", found[0]).strip(" -") if found else ""


def tier_of(sku: str) -> str:
    """Return batch, flex or priority where the text of a SKU says so, else standard."""
    words = sku.lower().split()
    return next((word for word in ("batch", "flex", "priority") if word in words), "standard")
