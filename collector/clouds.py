"""What the bills of clouds have in common: columns under several names, words of lines, models in free text."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import orjson

from collector import fields

if TYPE_CHECKING:
    from collections.abc import Iterable

_MODELS = re.compile(
    r"bedrock|openai|anthropic|claude|gemini|vertex ai|generative|mistral|openrouter|foundry", re.IGNORECASE
)
_NUMBERS = ("cost", "price", "quantity", "amount", "rate", "cost_in_billing_currency", "cost_in_pricing_currency",
            "cost_in_usd", "exchange_rate_pricing_to_billing")  # fmt: skip
"""Ends of the names of columns that hold numbers."""
_PASSING = {"identity_line_item_id", "bill_invoice_id", "invoiceid", "invoicedetailid", "invoice_id", "export_time"}
"""Columns that one export has otherwise than the next for the same charge."""
_UNITS = {"tokens": 1, "token": 1, "count": 1, "1000 tokens": 1000, "1k tokens": 1000, "1k": 1000,
          "1m tokens": 10**6, "1000000 tokens": 10**6, "1m": 10**6}  # fmt: skip
"""Units of bills → tokens; a bare number is one of tokens only in a line that speaks of tokens."""
_PLAIN = {"count", "1k", "1m"}


def columns(row: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a row with nested objects laid flat and names in snake case, `a.bC` as `a_b_c`."""
    out: dict[str, Any] = {}
    for name, value in row.items():
        key = prefix + re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
        if isinstance(value, dict):
            out.update(columns(value, f"{key}_"))
        else:
            out[key] = value
    return out


def text(given: dict[str, Any], *names: str) -> str:
    """Return the first of the named columns that holds something."""
    found = (given.get(name) for name in names)
    return next((str(value).strip() for value in found if value not in (None, "")), "")


def pairs(value: Any) -> dict[str, str]:
    """Return tags or a product map, whatever their form: a map, a list of key and value, JSON, JSON without braces."""
    if isinstance(value, str) and value.strip():
        inner = value.strip()
        try:
            value = orjson.loads(inner if inner[0] in "{[" else "{" + inner + "}")
        except orjson.JSONDecodeError:
            return {}
    if isinstance(value, dict):
        return {str(k): str(v) for k, v in value.items() if v is not None}
    out: dict[str, str] = {}
    for item in value if isinstance(value, list) else []:
        if isinstance(item, dict) and "key" in item:
            out[str(item["key"])] = str(item.get("value") or "")
        elif isinstance(item, (tuple, list)) and len(item) == 2:
            out[str(item[0])] = str(item[1])
    return out


def signed(told: str, column: str) -> float | None:
    """Return a quantity, which a correction may take back; None for none. Raises BadRow naming the column."""
    return float(fields.money(told, column)) if told else None


def tokens(quantity: float | None, unit: str, line_class: str) -> tuple[float | None, str]:
    """Return a quantity counted in single tokens where its unit says so, else as it is."""
    known = unit.lower()
    factor = None if known in _PLAIN and not line_class else _UNITS.get(known)
    return (quantity, fields.name(unit)) if quantity is None or factor is None else (quantity * factor, "tokens")


def is_about_models(words: Iterable[str]) -> bool:
    """Say whether the words of a line are of models: a bill of a cloud holds everything else too."""
    return bool(_MODELS.search(" ".join(words)))


def row_id(given: dict[str, Any], also: Iterable[str] = ()) -> str:
    """Hash all that a row says beside its numbers: two rows that differ in a tag are two charges."""
    left_out = {*also, *_PASSING}
    words = sorted(
        f"{key}={value}"
        for key, value in given.items()
        if value not in (None, "") and not key.endswith(_NUMBERS) and key not in left_out
    )
    return hashlib.blake2b("\x1f".join(words).encode("utf-8", "replace"), digest_size=12).hexdigest()
