"""The demo's bills: what its providers report and charge, every token, also those of streams that were aborted."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ledger.records import Charge, Request, UsageBucket

if TYPE_CHECKING:
    from breakeven.config import Config
    from ledger.store import Store

SOURCE = "demo"
ABORTED_PERCENT = 4
"""Output of the support workload that the provider bills and no log has."""
CLASSES = ("input_fresh", "cache_read", "output")


class Bill:
    """Usage and charges of the demo's days, at the demo's own prices."""

    def __init__(self, settings: Config) -> None:
        self.settings = settings
        self.buckets: list[UsageBucket] = []
        self.charges: list[Charge] = []

    def day(self, first: datetime, rows: list[Request]) -> Decimal:
        """Add a day; return what its aborted streams cost, USD."""
        tokens: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(CLASSES, 0))
        for row in rows:
            if row.side == "api":
                for kind in CLASSES:
                    tokens[row.provider, row.model][kind] += getattr(row, kind)
        aborted = Decimal(0)
        for (provider, model), given in sorted(tokens.items()):
            if provider == "anthropic":
                more = given["output"] * ABORTED_PERCENT // 100
                aborted += more * self._price(provider, model, "output", first)
                given["output"] += more
            self.buckets.append(
                UsageBucket(
                    SOURCE, SOURCE, provider, "demo", first, 86_400, model, input_fresh=given["input_fresh"],
                    cache_read=given["cache_read"], output=given["output"],
                )
            )  # fmt: skip
            self.charges += [self._charge(provider, model, kind, count, first) for kind, count in given.items()]
        return aborted

    def store(self, store: Store) -> None:
        """Write it all, a month at a time."""
        for rows in (self.buckets, self.charges):
            months: dict[tuple[int, int], list[Any]] = defaultdict(list)
            for row in rows:
                months[row.start.year, row.start.month].append(row)
            for part in months.values():
                store.add(part)

    def _charge(self, provider: str, model: str, kind: str, count: int, first: datetime) -> Charge:
        usd = count * self._price(provider, model, kind, first)
        return Charge(
            SOURCE, SOURCE, provider, first, first + timedelta(days=1), "usage", f"{model}, {kind}", model, kind,
            billed_cost=usd, effective_cost=usd, quantity=float(count), unit="tokens",
        )  # fmt: skip

    def _price(self, provider: str, model: str, kind: str, at: datetime) -> Decimal:
        """Return USD for one token at the start of a day."""
        name = {"input_fresh": "input"}.get(kind, kind)
        for one in self.settings.prices.override:
            if (one.provider, one.model) == (provider, model) and one.since <= at < one.until:
                return (getattr(one, name) or Decimal(0)) / 10**6
        return Decimal(0)
