"""Prices in the store: load the book once, give every billed name its spans, never move what is booked."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ledger.prices import ranges
from ledger.prices.book import (
    BOOK_VERSION,
    Negotiated,
    Override,
    book_prices,
    identify,
    override_prices,
    whole_book,
)
from ledger.records import Price, PriceRange, SourceState
from ledger.store.migrate import reload_dictionaries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ledger.store import Store

_PACKAGE = "ledger.prices"
Name = tuple[str, str, str, str]
"""A name as billed: provider, model, variant, region."""


class PriceRegister:
    """The price book of one store, with the user's overrides.

    `frozen` leaves the book as it is in the store: for a caller who does not know the overrides.
    """

    def __init__(
        self,
        store: Store,
        overrides: Sequence[Override] = (),
        negotiated: Sequence[Negotiated] = (),
        *,
        frozen: bool = False,
    ) -> None:
        self.store, self.frozen = store, frozen
        self.overrides, self.negotiated = tuple(overrides), tuple(negotiated)
        self._known: set[Name] | None = None
        self._stored: dict[tuple[Any, ...], Price] | None = None

    def refresh(self, as_of: datetime) -> int:
        """Load the book if it or the overrides changed, renew every known name from the next hour on.

        Returns the number of new price rows. Nothing before `as_of`'s next full hour moves.
        """
        self._stored = None  # another process may have loaded rows since
        mark = self._mark(as_of)
        seen = self.store.ask("ledger.store", "cursor", source="prices", name="book")
        if seen and (self.frozen or seen[0]["value"] == mark):
            return 0
        rows = [*whole_book(), *override_prices(self.overrides)]
        numbered = self._number(rows, as_of)
        cut = as_of.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        write: list[PriceRange] = []
        booked = self._ranges()
        fresh = self._fresh(booked, as_of)
        for name, existing in booked.items():
            write += ranges.continued(existing, fresh[name] or [ranges.unknown(name)], cut)[1]
        if write:
            self.store.add(write)
        reload_dictionaries(self.store)
        self.store.add([SourceState("prices", "book", mark)])
        return numbered

    def book(self, as_of: datetime) -> dict[str, Any]:
        """Return the version of the book in use and for how many days it has been in this store, at least its age."""
        (row,) = self.store.ask(_PACKAGE, "book_loaded", source=f"genai-prices {BOOK_VERSION}")
        loaded = row["loaded"]
        return {"version": BOOK_VERSION, "age_days": None if loaded is None else (as_of - loaded).days}

    def resolve(self, names: Iterable[Name], as_of: datetime) -> list[Name]:
        """Give names that were never seen their spans; return those that have no price at all."""
        if self._known is None:
            self.refresh(as_of)
            self._known = set(self._ranges())
        else:
            self._stored = None
        new = sorted(set(names) - self._known)
        found = self._fresh(new, as_of) if new else {}
        write = [span for name in new for span in found[name] or [ranges.unknown(name)]]
        if write:
            self.store.add(write)
            reload_dictionaries(self.store)
        self._known.update(new)
        return [name for name in new if not found[name]]

    def apply(self, as_of: datetime) -> int:
        """Fill what had no price from what is known now, and price those attempts; return how many.

        The one way in which booked history gains money: asked for by a person, logged by the caller.
        Spans that had a price stay as booked.
        """
        self.refresh(as_of)
        write: list[PriceRange] = []
        holes = {n: spans for n, spans in self._ranges().items() if not all(span.id0 for span in spans)}
        fresh = self._fresh(holes, as_of)
        for name, existing in holes.items():
            now = ranges.filled(existing, fresh[name])
            starts = {span.valid_from for span in now}
            write += [span for span in now if span not in existing]
            write += [
                replace(s, valid_to=s.valid_from - timedelta(seconds=1)) for s in existing if s.valid_from not in starts
            ]
        if not write:
            return 0
        self.store.add(write)
        reload_dictionaries(self.store)
        before = self._unpriced()
        self.store.tell(_PACKAGE, "price_again", ver=self.store.next_ver())
        names = sorted({(span.provider, span.model) for span in write})
        self.store.tell(_PACKAGE, "price_reports_again", names=names, ver=self.store.next_ver())
        return before - self._unpriced()

    def _unpriced(self) -> int:
        return int(self.store.ask(_PACKAGE, "unpriced_count")[0]["attempts"])

    def _mark(self, as_of: datetime) -> str:
        """Return what the book depends on: its version, the overrides, and the week (spans of the day are renewed)."""
        text = repr((BOOK_VERSION, self.overrides, self.negotiated, as_of.isocalendar()[:2]))
        return hashlib.sha256(text.encode()).hexdigest()

    def _number(self, rows: Sequence[Price], as_of: datetime) -> int:
        """Store rows that are not there yet, with numbers after the last; return how many."""
        stored = self._prices()
        number = int(self.store.ask(_PACKAGE, "last_price")[0]["price_id"])
        fresh = []
        for row in rows:
            content = _content(row)
            if content not in stored:
                number += 1
                stored[content] = replace(row, price_id=number, recorded_at=as_of)
                fresh.append(stored[content])
        self.store.add(fresh)
        return len(fresh)

    def _fresh(self, names: Iterable[Name], as_of: datetime) -> dict[Name, list[PriceRange]]:
        """Return the spans of names as the book and the overrides now have them; none where there is no price."""
        wanted = list(names)
        resold = [row for name in wanted for row in self._resold(name)]
        self._number(resold, as_of)
        stored = self._prices()
        user = [stored[content] for row in override_prices(self.overrides) if (content := _content(row)) in stored]
        out = {}
        for name in wanted:
            provider, model, variant, _ = name
            found = identify(provider, model)
            book = book_prices(*found) if found is not None else []
            rows = [stored[_content(row)] for row in book if row.variant == variant and _content(row) in stored]
            own = [p for p in user if (p.provider, p.model, p.variant) == (provider, model, variant)]
            own = own or self._discounted(rows, as_of)
            out[name] = ranges.ranges_of(name, rows, own, as_of)
        return out

    def _discounted(self, rows: Sequence[Price], as_of: datetime) -> list[Price]:
        """Return list prices with the user's discounts on them, in the store; the user's own prices need none."""
        made = [cut for row in rows for one in self.negotiated if (cut := one.applied(row)) is not None]
        if made:
            self._number(made, as_of)
        stored = self._prices()
        return [stored[_content(row)] for row in made]

    @staticmethod
    def _resold(name: Name) -> list[Price]:
        """Return the rows of a model that its provider only resells: the book lists them under the owner."""
        found = identify(name[0], name[1])
        if found is None or any(found[1] is model for model in found[0].models):
            return []
        return book_prices(*found)

    def _prices(self) -> dict[tuple[Any, ...], Price]:
        """Return the rows of the book in the store by what they say; read once for each call from outside."""
        if self._stored is None:
            rows = [Price(**row) for row in self.store.ask(_PACKAGE, "prices")]
            self._stored = {_content(row): row for row in rows}
        return self._stored

    def _ranges(self) -> dict[Name, list[PriceRange]]:
        out: dict[Name, list[PriceRange]] = {}
        for row in self.store.ask(_PACKAGE, "ranges"):
            span = PriceRange(**row)
            out.setdefault((span.provider, span.model, span.variant, span.region), []).append(span)
        return out


_said = attrgetter(*(f.name for f in fields(Price) if f.name not in ("price_id", "recorded_at", "source")))


def _content(price: Price) -> tuple[Any, ...]:
    return ("user" if price.source == "user" else "book", *_said(price))
