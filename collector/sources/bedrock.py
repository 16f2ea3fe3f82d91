"""Bedrock: the lines of an AWS Cost and Usage Report 2.0 (Data Exports), CSV or Parquet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from collector import clouds, fields
from collector.bills import token_class
from collector.clouds import text
from ledger.records import Charge

CATEGORIES = {
    "usage": "usage", "discountedusage": "usage", "savingsplancoveredusage": "usage", "tax": "tax", "credit": "credit",
    "refund": "credit", "fee": "purchase", "rifee": "purchase", "savingsplanrecurringfee": "purchase",
    "savingsplanupfrontfee": "purchase", "edpdiscount": "credit", "privateratediscount": "credit",
    "bundleddiscount": "credit",
}  # fmt: skip
"""Line item types → FOCUS charge categories; any other is an adjustment."""
_EDITION = re.compile(r"\s*\((?:Amazon )?Bedrock Edition\)$", re.IGNORECASE)
_NATIVE = re.compile(r"^(?:[A-Z]{2,4}\d-)?(?P<model>.+?)[-_](?:mantle[-_])?(?:input|output|cache)[-_]", re.IGNORECASE)


@dataclass(slots=True)
class Bedrock:
    """Parses rows of a Cost and Usage Report; everything that is not of models is kept apart."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    name: str = "bedrock"

    def fits(self, row: dict[str, Any]) -> bool:
        """Say whether a row is one of a Cost and Usage Report."""
        return {"line_item_usage_start_date", "line_item_unblended_cost"} <= clouds.columns(row).keys()

    def parse(self, row: dict[str, Any]) -> list[Charge]:
        """Return the charge of one row; raises BadRow naming the column."""
        given = clouds.columns(row)
        start = self._instant(given, "line_item_usage_start_date")
        end_given = given.get("line_item_usage_end_date")
        end = self._instant(given, "line_item_usage_end_date") if end_given else start + timedelta(hours=1)
        period = self._instant(given, "bill_billing_period_start_date") if given.get(
            "bill_billing_period_start_date"
        ) else start.replace(day=1)  # fmt: skip
        usage_type = text(given, "line_item_usage_type")
        product = clouds.pairs(row.get("product")).get("product_name") or text(given, "product_product_name")
        line = usage_type or text(given, "line_item_line_item_description")
        kind = token_class(usage_type)
        category = CATEGORIES.get(text(given, "line_item_line_item_type").lower(), "adjustment")
        net = text(given, "line_item_net_unblended_cost", "line_item_unblended_cost")
        billed = fields.money(net, "line_item_unblended_cost")
        listed = text(given, "pricing_public_on_demand_cost")
        used = clouds.signed(text(given, "line_item_usage_amount"), "line_item_usage_amount")
        quantity, unit = clouds.tokens(used, text(given, "pricing_unit"), kind)
        words = (text(given, "line_item_product_code"), product, usage_type)
        return [
            Charge(
                self.name, fields.name(text(given, "bill_payer_account_id", "line_item_usage_account_id")), "aws",
                start, end, category, line[:200], model=fields.name(model_of(usage_type, product)) if kind else "",
                token_class=kind, project=fields.name(text(given, "line_item_usage_account_id")),
                key=fields.name(text(given, "line_item_iam_principal")), tier=tier_of(usage_type),
                resource=fields.name(text(given, "line_item_resource_id")),
                row_id=clouds.row_id(given, ("product",)), billed_cost=billed, effective_cost=billed,
                list_cost=fields.money(listed, "pricing_public_on_demand_cost") if listed else None,
                currency=fields.name(text(given, "line_item_currency_code") or "USD").upper(),
                quantity=quantity, unit=unit, billing_period=period.date(),
                about_models=int(clouds.is_about_models(words)),
            )
        ]  # fmt: skip

    def _instant(self, given: dict[str, Any], name: str) -> datetime:
        ahead = self.now + timedelta(days=400)
        return fields.instant(given.get(name), name, ahead, UTC).replace(microsecond=0)


def model_of(usage_type: str, product: str) -> str:
    """Return the model that a usage type names, else the product (Marketplace: "… (Amazon Bedrock Edition)")."""
    if _EDITION.search(product):
        return _EDITION.sub("", product)
    found = _NATIVE.search(usage_type)
    return found["model"] if found else ""


def tier_of(usage_type: str) -> str:
    """Return batch, priority or flex where a usage type says so, else standard."""
    words = re.split(r"[-_]", usage_type.lower())
    return next((word for word in ("batch", "priority", "flex") if word in words), "standard")
