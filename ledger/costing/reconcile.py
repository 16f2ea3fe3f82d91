"""Reconciliation: what was metered held against what providers report and bill, day by day."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ledger.costing.model_names import plain, same
from ledger.costing.residual import CAUSES, ZERO, Day, Key, Line, Residual, decompose
from ledger.records import ReconciliationDay

if TYPE_CHECKING:
    from ledger.prices.register import PriceRegister
    from ledger.store import Store

_PACKAGE = "ledger.costing"
_STEP = Decimal("1e-12")
_Place = tuple[str, date]
"""Provider and UTC day."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """One provider's day: its difference, the accounts in the bill, and money in currencies that were left out."""

    day: date
    provider: str
    accounts: str
    residual: Residual
    is_final: bool
    left_out: dict[str, Decimal]


def reconcile(store: Store, prices: PriceRegister, start: datetime, end: datetime) -> list[Reconciled]:
    """Return the days of every provider that bills, oldest first, and keep them in `reconciliation`.

    A provider without bills, and its days before the first bill, are left out: there is nothing to hold against.
    """
    span = {"from": _midnight(start), "to": _midnight(end - timedelta(microseconds=1)) + timedelta(days=1)}
    names = [(r["provider"], r["model"], r["variant"], "") for r in store.ask(_PACKAGE, "bucket_names", **span)]
    prices.resolve(names, end)
    lines: dict[_Place, dict[Key, Line]] = defaultdict(dict)
    for row in store.ask(_PACKAGE, "metered_lines", **span):
        _put(lines, row, metered_tokens=row["tokens"], metered_cost=row["usd"])
    reported = store.ask(_PACKAGE, "reported_lines", **span)
    for row in reported:
        _put(lines, row, reported_tokens=row["tokens"], reported_cost=row["usd"])
    tell = {(row["provider"], row["day"]) for row in reported}
    for place, day in lines.items():
        if place in tell:
            day.update({key: _not_told(line) for key, line in day.items() if key != ("", "")})
    bills: dict[_Place, list[dict[str, Any]]] = defaultdict(list)
    for row in store.ask(_PACKAGE, "billed_lines", **span):
        bills[row["provider"], row["day"]].append(row)
    for place, rows in bills.items():
        _spread(lines[place], [row for row in rows if row["currency"] == "USD" and row["charge_category"] == "usage"])
    out = []
    begins = {row["provider"]: row["first"] for row in store.ask(_PACKAGE, "bill_begins")}
    for provider, first in sorted(begins.items()):
        places = sorted({place for place in {*lines, *bills} if place[0] == provider and place[1] >= first})
        days = [_day_of(place[1], lines[place], bills.get(place, [])) for place in places]
        out += [_reconciled(place, bills.get(place, []), residual)
                for place, residual in zip(places, decompose(days), strict=True)]  # fmt: skip
    out.sort(key=lambda one: (one.day, one.provider))
    kept = {(one.day, one.provider) for one in out}
    before = [(row["day"], row["provider"]) for row in store.ask(_PACKAGE, "reconciled_days", **span)]
    _keep(store, [*map(_record, out), *(_nothing(*place) for place in before if place not in kept)])
    return out


def _put(lines: dict[_Place, dict[Key, Line]], row: dict[str, Any], **more: Any) -> None:
    day, key = lines[row["provider"], row["day"]], (plain(row["model"]), row["token_class"])
    before = day.get(key, Line())
    added = {name: _plus(getattr(before, name), value) for name, value in more.items()}
    if before.reported_tokens is not None and "reported_cost" in more and before.reported_cost is None:
        added["reported_cost"] = None  # a part without a price leaves the whole without one
    day[key] = replace(before, **added)


def _plus(before: Any, value: Any) -> Any:
    return value if before is None or value is None else before + value


def _day_of(day: date, lines: dict[Key, Line], rows: list[dict[str, Any]]) -> Day:
    return Day(day, lines, _other(rows), bool(rows), all(row["currency"] == "USD" for row in rows))


def _not_told(line: Line) -> Line:
    """Return a line of a day for which the provider reports usage: what it does not mention was not used."""
    return line if line.reported_tokens is not None else replace(line, reported_tokens=0, reported_cost=ZERO)


def _spread(day: dict[Key, Line], rows: list[dict[str, Any]]) -> None:
    """Put billed money on its lines; what names no class goes to the lines of its model, or of the day, by cost."""
    classed = any(row["token_class"] for row in rows)
    known = {model for model, _ in day if model}
    for row in rows:
        key = (same(row["model"], known), row["token_class"])
        targets = {key: Decimal(1)}
        if not row["token_class"] and (row["model"] or not classed):
            inside = {k: line.expected for k, line in day.items() if k[1] and key[0] in ("", k[0])}
            whole = sum(inside.values(), ZERO)
            targets = {k: part / whole for k, part in inside.items()} if whole > 0 else targets
        for target, share in targets.items():
            line = day.get(target, Line())
            listed = None if row["listed"] is None else (line.list_cost or ZERO) + row["listed"] * share
            day[target] = replace(line, billed_cost=line.billed_cost + row["billed"] * share, list_cost=listed)


def _other(rows: list[dict[str, Any]]) -> dict[str, Decimal]:
    """Return the money of a day that is no usage, by category."""
    out: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["currency"] == "USD" and row["charge_category"] != "usage":
            out[row["charge_category"]] += row["billed"]
    return dict(out)


def _reconciled(place: _Place, rows: list[dict[str, Any]], residual: Residual) -> Reconciled:
    left_out: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["currency"] != "USD":
            left_out[row["currency"]] += row["billed"]
    accounts = ", ".join(sorted({name for row in rows for name in row["accounts"]}))
    final = bool(rows) and all(row["is_final"] for row in rows)
    return Reconciled(place[1], place[0], accounts, residual, final, dict(left_out))


def _keep(store: Store, found: list[ReconciliationDay]) -> None:
    months: dict[tuple[int, int], list[ReconciliationDay]] = defaultdict(list)
    for one in found:
        months[one.day.year, one.day.month].append(one)
    for rows in months.values():
        store.add(rows)


def _record(one: Reconciled) -> ReconciliationDay:
    """Return the row of a day; what rounding to 12 decimals leaves goes to `unknown`, so that the causes add up."""
    r = one.residual
    causes = {name: amount.quantize(_STEP) for name, amount in r.causes.items()}
    metered, billed = r.metered.quantize(_STEP), r.billed.quantize(_STEP)
    causes["unknown"] += billed - metered - sum(causes.values())
    factor = None if r.discount_factor is None else r.discount_factor.quantize(_STEP)
    return ReconciliationDay(
        one.day, one.provider, one.accounts, metered, billed, **causes, discount_factor=factor,
        is_final=int(one.is_final),
    )  # fmt: skip


def _nothing(day: date, provider: str) -> ReconciliationDay:
    """Return a row that takes a day back: the view leaves out what holds no money."""
    empty = Residual(ZERO, ZERO, dict.fromkeys(CAUSES, ZERO))
    return _record(Reconciled(day, provider, "", empty, False, {}))


def _midnight(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
