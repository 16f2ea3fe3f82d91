"""Rows of bills and reported usage: what tells them apart, files of charges, and the words of bills."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from collector.intake import Counts
from ledger.records import Charge, UsageBucket, price_variant

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from collector.attribution import Attribution
    from ledger.prices.register import PriceRegister
    from ledger.store import Store

_KEYS: dict[type, tuple[str, ...]] = {
    UsageBucket: ("source", "account", "view", "start", "width_s", "provider", "model", "project", "key", "tier",
                  "processing", "context"),
    Charge: ("source", "account", "start", "end", "provider", "charge_category", "line", "model", "token_class",
             "project", "key", "tier", "resource", "row_id", "currency"),
}  # fmt: skip


_SAME = {"deployment", "workload", "team", "unit", "is_final", "is_deleted", "billing_period", "origin", "about_models"}
"""Neither told apart by, nor added."""
_CLASSES = (
    ("cached", "cache_read"), ("cache read", "cache_read"), ("cache-read", "cache_read"), ("cacheread", "cache_read"),
    ("cache_write_12h", "cache_write_long"), ("cache write", "cache_write_other"), ("cache-write", "cache_write_other"),
    ("cachewrite", "cache_write_other"), ("cache_write", "cache_write_short"), ("input", "input_fresh"),
    ("output", "output"),
)  # fmt: skip
"""Words of a line of a bill → token class; first match wins."""

_SPEAKS_OF_TOKENS = re.compile(r"token|\b(cached|input|output)\b")


def token_class(words: str) -> str:
    """Return the token class that a line of a bill names, '' if it is of none."""
    text = words.lower()
    if not _SPEAKS_OF_TOKENS.search(text):
        return ""
    return next((name for word, name in _CLASSES if word in text), "")


class ChargeFile:
    """One file of charges on its way into the store; told again, it replaces what it told of its billing periods."""

    def __init__(self, store: Store, origin: str) -> None:
        self.store, self.origin = store, origin
        self._rows: dict[tuple[Any, ...], Charge] = {}
        self._taken: dict[tuple[Any, ...], int] = defaultdict(int)

    def take(self, row: Charge) -> None:
        """Add one row; rows that differ in numbers only are one charge."""
        key = key_of(row)
        before = self._rows.get(key)
        self._rows[key] = row if before is None else _sum(before, row)
        self._taken[key] += 1

    def finish(self) -> Counts:
        """Store what is new or changed, delete what the file no longer tells; return rows by what became of them."""
        counts = Counts()
        if not self._rows:
            return counts
        rows = {key: replace(row, origin=self.origin) for key, row in self._rows.items()}
        starts = [row.start for row in rows.values()]
        found = self.store.ask("collector", "stored_file", **{"from": min(starts), "to": max(starts)},
                               source=next(iter(rows.values())).source, origin=self.origin)  # fmt: skip
        stored = {key_of(row): row for row in (Charge(**one) for one in found)}
        told = {(row.account, row.billing_period) for row in rows.values()}
        changed = [row for key, row in rows.items() if _told(stored.get(key)) != _told(row)]
        gone = [
            replace(row, is_deleted=1)
            for key, row in stored.items()
            if key not in rows and row.origin == self.origin and (row.account, row.billing_period) in told
        ]
        months: dict[tuple[int, int], list[Charge]] = defaultdict(list)
        # A row that another file told before is this file's now: parts of an export are cut otherwise every day.
        moved = [row for key, row in rows.items() if key in stored and stored[key].origin != self.origin]
        for row in {key_of(row): row for row in [*moved, *changed, *gone]}.values():
            months[row.start.year, row.start.month].append(row)
        for part in months.values():
            self.store.add(part)
        counts.accepted = sum(self._taken[key_of(row)] for row in changed)
        counts.duplicate = sum(self._taken.values()) - counts.accepted
        return counts


def _told(row: Charge | None) -> Charge | None:
    """Return a row without the name of the file that told it."""
    return None if row is None else replace(row, origin="")


def merged(rows: Iterable[Any]) -> list[Any]:
    """Return rows with equal keys as one: a provider may split a group in ways that we do not keep."""
    out: dict[tuple[Any, ...], Any] = {}
    for row in rows:
        before = out.get(key_of(row))
        out[key_of(row)] = row if before is None else _sum(before, row)
    return list(out.values())


def _sum(one: Any, two: Any) -> Any:
    sums: dict[str, Any] = {}
    for item in fields(one):
        a, b = getattr(one, item.name), getattr(two, item.name)
        if item.name in _KEYS[type(one)] or item.name in _SAME:
            continue
        if item.name == "extra":
            sums["extra"] = {name: a.get(name, 0.0) + b.get(name, 0.0) for name in {**a, **b}}
        else:
            sums[item.name] = None if a is None or b is None else a + b
    return replace(one, **sums)


def key_of(row: Any) -> tuple[Any, ...]:
    """Return what tells a row of a table from the others."""
    return tuple(getattr(row, name) for name in _KEYS[type(row)])


def placed(
    rows: list[UsageBucket], prices: PriceRegister, attribution: Attribution, now: datetime
) -> list[UsageBucket]:
    """Return reported usage with the workload and deployment it belongs to, and have its models priced."""
    prices.resolve({(r.provider, r.model, price_variant(r.tier, r.processing), "") for r in rows}, now)
    columns: dict[str, list[Any]] = {
        name: [getattr(row, name) for row in rows]
        for name in ("workload", "team", "deployment", "key", "project", "provider", "model")
    }
    columns |= {"environment": [""] * len(rows), "side": ["api"] * len(rows)}
    attribution.place(columns)
    found = zip(rows, columns["workload"], columns["team"], columns["deployment"], strict=True)
    return [replace(row, workload=w, team=t, deployment=d) for row, w, t, d in found]
