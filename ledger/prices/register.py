"""Prices in the store: load the book once, give every billed name its spans, never move what is booked."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from datetime import datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ledger.prices import ranges
from ledger.prices.book import (
    BOOK_VERSION,
    Override,
    book_prices,
    identify,
    override_prices,
)
from ledger.records import Price, PriceRange, SourceState
from ledger.sqlfile import statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ledger.store import Store

_PACKAGE = "ledger.prices"
Name = tuple[str, str, str, str]
"""A name as billed: provider, model, variant, region."""


class PriceRegister:
    """The price book of one store, with the user's overrides."""

    def __init__(self, store: Store, overrides: Sequence[Override] = ()) -> None:
        self.store = store
        self.overrides = tuple(overrides)
        self._known: set[Name] | None = None

    def refresh(self, as_of: datetime) -> int:
        """Load the book if it or the overrides changed, renew every known name from the next hour on.

        Returns the number of new price rows. Nothing before `as_of`'s next full hour moves.
        """
        mark = self._mark(as_of)
        seen = self.store.ask("ledger.store", "cursor", source="prices", name="book")
        if seen and seen[0]["value"] == mark:
            return 0
        rows = [
            *(row for pair in all_models() for row in book_prices(*pair)),
            *override_prices(self.overrides),
        ]
        numbered = self._number(rows, as_of)
        cut = as_of.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        write: list[PriceRange] = []
        for name, existing in self._ranges().items():
            fresh = self._fresh(name, as_of) or [ranges.unknown(name)]
            write += ranges.continued(existing, fresh, cut)[1]
        if write:
            self.store.add(write)
        self._reload()
        self.store.add([SourceState("prices", "book", mark)])
        return numbered

    def resolve(self, names: Iterable[Name], as_of: datetime) -> list[Name]:
        """Give names that were never seen their spans; return those that have no price at all."""
        if self._known is None:
            self.refresh(as_of)
            self._known = set(self._ranges())
        new = sorted(set(names) - self._known)
        found = {name: self._fresh(name, as_of) for name in new}
        write = [span for name in new for span in found[name] or [ranges.unknown(name)]]
        if write:
            self.store.add(write)
            self._reload()
        self._known.update(new)
        return [name for name in new if not found[name]]

    def apply(self, as_of: datetime) -> int:
        """Fill what had no price from what is known now, and price those attempts; return how many.

        The one way in which booked history gains money: asked for by a person, logged by the caller.
        Spans that had a price stay as booked.
        """
        self.refresh(as_of)
        write: list[PriceRange] = []
        for name, existing in self._ranges().items():
            if all(span.id0 for span in existing):
                continue
            now = ranges.filled(existing, self._fresh(name, as_of))
            starts = {span.valid_from for span in now}
            write += [span for span in now if span not in existing]
            write += [
                replace(s, valid_to=s.valid_from - timedelta(seconds=1)) for s in existing if s.valid_from not in starts
            ]
        if not write:
            return 0
        self.store.add(write)
        self._reload()
        before = self._unpriced()
        self.store.tell(_PACKAGE, "price_again", ver=self.store.next_ver())
        return before - self._unpriced()

    def _unpriced(self) -> int:
        return int(self.store.ask(_PACKAGE, "unpriced_count")[0]["attempts"])

    def _mark(self, as_of: datetime) -> str:
        """Return what the book depends on: its version, the overrides, and the week (spans of the day are renewed)."""
        text = repr((BOOK_VERSION, self.overrides, as_of.isocalendar()[:2]))
        return hashlib.sha256(text.encode()).hexdigest()

    def _number(self, rows: Sequence[Price], as_of: datetime) -> int:
        """Store rows that are not there yet, with numbers after the last; return how many."""
        known = {_content(price) for price in self._prices("", "")}
        number = int(self.store.ask(_PACKAGE, "last_price")[0]["price_id"])
        fresh = []
        for row in rows:
            content = _content(row)
            if content not in known:
                known.add(content)
                number += 1
                fresh.append(replace(row, price_id=number, recorded_at=as_of))
        self.store.add(fresh)
        return len(fresh)

    def _fresh(self, name: Name, as_of: datetime) -> list[PriceRange]:
        provider, model, variant, region = name
        user = [
            p
            for p in self._prices(provider, model, user=1)
            if p.variant == variant and _content(p) in {_content(o) for o in override_prices(self.overrides)}
        ]
        found = identify(provider, model)
        rows: list[Price] = []
        if found is not None:
            current = {_content(p) for p in book_prices(*found)}
            rows = [
                p for p in self._prices(found[0].id, found[1].id) if p.variant == variant and _content(p) in current
            ] or self._resold(found, variant, as_of)
        return ranges.ranges_of((provider, model, variant, region), rows, user, as_of)

    def _resold(self, found: Any, variant: str, as_of: datetime) -> list[Price]:
        """Number the rows of a model that its provider resells: the book lists them under the owner only."""
        rows = [row for row in book_prices(*found) if row.variant == variant]
        self._number(rows, as_of)
        wanted = {_content(row) for row in rows}
        return [p for p in self._prices(found[0].id, found[1].id) if _content(p) in wanted]

    def _prices(self, provider: str, model: str, user: int = 0) -> list[Price]:
        rows = self.store.ask(_PACKAGE, "prices", provider=provider, model=model, user=user)
        return [Price(**row) for row in rows]

    def _ranges(self) -> dict[Name, list[PriceRange]]:
        out: dict[Name, list[PriceRange]] = {}
        for row in self.store.ask(_PACKAGE, "ranges"):
            span = PriceRange(**row)
            out.setdefault((span.provider, span.model, span.variant, span.region), []).append(span)
        return out

    def _reload(self) -> None:
        """Make the dictionaries anew: LIFETIME does not refresh them in the embedded engine."""
        text = files("ledger.store").joinpath("migrations", "0002_prices.sql").read_text("utf-8")
        for statement in statements(text):
            if "CREATE OR REPLACE DICTIONARY" in statement:
                self.store.command(statement)


def _content(price: Price) -> tuple[Any, ...]:
    skip = ("price_id", "recorded_at", "source")
    kind = "user" if price.source == "user" else "book"
    return (kind, *(getattr(price, f.name) for f in fields(price) if f.name not in skip))
