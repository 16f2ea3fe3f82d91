"""A second opinion on prices in use: a price map of the user's, unit prices of bills, costs that gateways report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ledger.errors import ConfigError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ledger.store import Store

_PACKAGE = "ledger.prices"
AGREEMENT = Decimal("0.01")
"""`price.agreement_share`: two sources within it agree."""
CLASSES = ("input_fresh", "cache_read", "cache_write_short", "cache_write_long", "output")
_FIELDS = {
    "input_cost_per_token": "input_fresh", "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read", "cache_creation_input_token_cost": "cache_write_short",
    "cache_creation_input_token_cost_above_1hr": "cache_write_long",
}  # fmt: skip
"""Fields of LiteLLM's price map → token classes; a variant is told by an ending."""
_ENDINGS = {"standard": "", "batch": "_batches", "flex": "_flex", "priority": "_priority"}
_PROVIDERS = {
    "bedrock": "aws", "bedrock_converse": "aws", "gemini": "google", "xai": "x-ai", "text-completion-openai": "openai",
}  # fmt: skip
Key = tuple[str, str, str, str]
"""Provider, model, variant, token class."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """One price in use, USD per token, and what a second source says; `token_class` is '' for the whole of a call."""

    provider: str
    model: str
    variant: str
    token_class: str
    book: Decimal
    other: Decimal
    says: str

    @property
    def difference(self) -> Decimal:
        """How far the other is from the book, as a share of the book's price."""
        return self.other / self.book - 1 if self.book else Decimal(1)

    @property
    def agrees(self) -> bool:
        """Say whether both are the same price."""
        return self.book == self.other or abs(self.difference) <= AGREEMENT


@dataclass(frozen=True, slots=True)
class Agreement:
    """How one model's price in use stands: `user`, `agreed`, `disputed`, or `single` where nobody else tells it."""

    provider: str
    model: str
    variant: str
    source: str
    standing: str
    opinions: tuple[Opinion, ...]


def agreements(store: Store, since: datetime, second: Path | None = None) -> list[Agreement]:
    """Return how the price of each model used since an instant stands; raises ConfigError for an unreadable map."""
    told = read_map(second) if second else {}
    bills = {
        (r["provider"], r["model"], r["token_class"]): r for r in store.ask(_PACKAGE, "billed_prices", since=since)
    }
    costs = store.ask(_PACKAGE, "reported_costs", since=since)
    out = []
    for row in store.ask(_PACKAGE, "used_prices", since=since):
        name = (row["provider"], row["model"], row["variant"])
        found = [*_of_map(row, told), *_of_bills(row, bills)]
        found += [
            Opinion(*name, "", c["booked"], c["reported"], f"costs that {c['source']} reports")
            for c in costs
            if (c["provider"], c["model"], c["variant"]) == name
        ]
        out.append(Agreement(*name, row["source"], _standing(row["source"], found), tuple(found)))
    return out


def _standing(source: str, found: list[Opinion]) -> str:
    if source == "user":
        return "user"
    if not found:
        return "single"
    return "agreed" if all(one.agrees for one in found) else "disputed"


def _of_map(row: dict[str, Any], told: dict[Key, Decimal]) -> list[Opinion]:
    out = []
    for name in CLASSES:
        other = told.get((row["book_provider"], row["model"], row["variant"], name))
        if row[name] is not None and other is not None:
            out.append(Opinion(row["provider"], row["model"], row["variant"], name, row[name], other, "price map"))
    return out


def _of_bills(row: dict[str, Any], bills: dict[tuple[str, str, str], dict[str, Any]]) -> list[Opinion]:
    """Return the unit prices of bills; their lines rarely tell the variant, so only the standard one is compared."""
    out = []
    for name in CLASSES if row["variant"] == "standard" else ():
        bill = bills.get((row["provider"], row["model"], name))
        if bill and row[name] is not None:
            other = bill["usd"] / Decimal(str(bill["tokens"]))
            out.append(Opinion(row["provider"], row["model"], row["variant"], name, row[name], other, "bill"))
    return out


def read_map(path: Path) -> dict[Key, Decimal]:
    """Read a price map in the form of LiteLLM's model_prices_and_context_window.json; raises ConfigError.

    It is held against the book and never prices anything.
    """
    try:
        table = json.loads(path.read_text("utf-8"), parse_float=Decimal, parse_int=Decimal)
    except (OSError, ValueError) as error:
        raise ConfigError(f"prices.second: {path}: {error}") from None
    if not isinstance(table, dict):
        raise ConfigError(f"prices.second: {path}: an object of models is expected")
    out: dict[Key, Decimal] = {}
    for name, entry in table.items():
        if isinstance(entry, dict):
            provider = str(entry.get("litellm_provider") or "")
            provider = "google" if provider.startswith("vertex_ai") else _PROVIDERS.get(provider, provider)
            model = name.removeprefix(f"{entry.get('litellm_provider')}/")
            for field, kind in _FIELDS.items():
                for variant, ending in _ENDINGS.items():
                    price = entry.get(field + ending)
                    if isinstance(price, Decimal):
                        out[provider, model, variant, kind] = price
    return out
