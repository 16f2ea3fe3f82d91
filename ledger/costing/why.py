"""Why spend changed between two periods, from the rollups: exact causes, who contributed, which prices changed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ledger.costing.changed import CAUSES, INPUT, ZERO, Causes, Group, added, explain, rounded, unused
from ledger.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ledger.store import Store

_PACKAGE = "ledger.costing"
DIMENSIONS = ("side", "provider", "model", "team", "environment", "workload", "deployment")
_CLASSES = (*INPUT, "output")
_DECLARED = ("overhead", "commitment_unused", "node_others")


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open range of whole UTC hours."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Contributor:
    """One group, pool or declared line: what it cost in each period, and what its change is made of, USD."""

    name: str
    before: Decimal
    after: Decimal
    causes: dict[str, Decimal]

    @property
    def change(self) -> Decimal:
        """After minus before."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Why:
    """A change of spend and its causes; `unpriced_tokens` of the periods have no money and are in no cause."""

    before: Decimal
    after: Decimal
    causes: dict[str, Decimal]
    contributors: list[Contributor]
    events: list[dict[str, Any]]
    unpriced_tokens: tuple[int, int]

    @property
    def change(self) -> Decimal:
        """After minus before: the sum of the causes."""
        return self.after - self.before


Key = tuple[str, str]
"""A contributor by name, and whether tokens or GPU time made its money: the two have no unit in common."""


@dataclass(slots=True)
class Spent:
    """One period: groups whose requests are counted, groups whose are not, unused capacity, declared lines."""

    counted: dict[Key, Group]
    uncounted: dict[Key, Group]
    unused: dict[Key, Group]
    declared: dict[str, Fraction]
    unpriced_tokens: int

    def costs(self) -> dict[str, Fraction]:
        """Return USD by contributor."""
        out: dict[str, Fraction] = defaultdict(lambda: ZERO, self.declared)
        for groups in (self.counted, self.uncounted, self.unused):
            for (name, _), group in groups.items():
                out[name] += group.cost
        return out


def why(store: Store, before: Period, after: Period, by: Sequence[str] = ("side", "workload", "model")) -> Why:
    """Take the change between two periods apart by groups of some dimensions; booked prices, allocation basis.

    Raises ConfigError for a dimension that is not known.
    """
    found = compare(spent(store, before, by), spent(store, after, by))
    first, last = min(before.start, after.start), max(before.end, after.end)
    return replace(found, events=store.ask(_PACKAGE, "price_events", **{"from": first, "to": last}))


def compare(one: Spent, other: Spent) -> Why:
    """Take the change between what was spent in two periods apart; pure."""
    parts: dict[str, Causes] = defaultdict(lambda: dict.fromkeys(CAUSES, ZERO))
    for found in (explain(one.counted, other.counted), explain(one.uncounted, other.uncounted)):
        for (name, _), causes in found.items():
            parts[name] = _plus(parts[name], causes)
    for key in {**one.unused, **other.unused}:
        parts[key[0]] = _plus(parts[key[0]], unused(one.unused.get(key), other.unused.get(key)))
    for name in {**one.declared, **other.declared}:
        parts[name]["declared"] += other.declared.get(name, ZERO) - one.declared.get(name, ZERO)
    costs = one.costs(), other.costs()
    contributors = [
        Contributor(name, _money(costs[0][name]), _money(costs[1][name]), rounded(parts[name]))
        for name in sorted(parts)
    ]
    return Why(
        sum((c.before for c in contributors), Decimal(0)), sum((c.after for c in contributors), Decimal(0)),
        rounded(added(parts)), sorted(contributors, key=lambda c: (-abs(c.change), c.name)), [],
        (one.unpriced_tokens, other.unpriced_tokens),
    )  # fmt: skip


def _plus(one: Causes, other: Causes) -> Causes:
    return {cause: one[cause] + other[cause] for cause in CAUSES}


def _money(value: Fraction) -> Decimal:
    """Return USD of a sum of stored amounts: twelve decimals hold it exactly."""
    return Decimal(round(value * 10**12)).scaleb(-12)


def spent(store: Store, period: Period, by: Sequence[str]) -> Spent:
    """Return what was spent in a period by groups of some dimensions; raises ConfigError for one that is not known."""
    wrong = [name for name in by if name not in DIMENSIONS]
    if wrong or not by:
        raise ConfigError(f"--by {wrong[0] if wrong else ''}: not one of {', '.join(DIMENSIONS)}")
    span = {"from": period.start, "to": period.end}
    usage = store.ask(_PACKAGE, "why_usage", by=list(by), **span)
    money = store.ask(_PACKAGE, "why_money", by=list(by), **span)
    rates = {
        row["pool"]: Fraction(row["usd"]) / Fraction(round(row["seconds"] * 1000), 3_600_000)
        for row in store.ask(_PACKAGE, "why_rates", **span) if row["seconds"] > 0
    }  # fmt: skip
    found = Spent({}, {}, {}, defaultdict(lambda: ZERO), 0)
    requests: dict[str, int] = defaultdict(int)
    for row in usage:
        name = _name(row, by)
        if row["of_side"] == "api":
            found.unpriced_tokens += row["unpriced_tokens"]
            _add(found.uncounted if row["uncounted"] else found.counted, (name, "tokens"), _of_tokens(row))
        else:
            requests[name] += row["requests"]
    worked: dict[str, tuple[Fraction, Fraction]] = dict.fromkeys(requests, (ZERO, ZERO))
    for row in money:
        usd = Fraction(row["usd"])
        hours = usd / (rates.get(row["pool"]) or Fraction(1))
        if row["component"] in _DECLARED:
            found.declared[_line(row)] += usd
        elif row["component"] == "gpu_used":
            before = worked.get(_name(row, by), (ZERO, ZERO))
            worked[_name(row, by)] = before[0] + hours, before[1] + usd
        else:
            _add(found.unused, (_line(row), "GPU time"), Group(0, {"gpu_hours": hours}, {"gpu_hours": usd}))
    for name, (hours, usd) in worked.items():
        counted = requests.get(name, 0)
        place = found.counted if counted else found.uncounted
        place[name, "GPU time"] = Group(counted or hours, {"gpu_hours": hours}, {"gpu_hours": usd})
    return found


def _name(row: dict[str, Any], by: Sequence[str]) -> str:
    return " · ".join(row[name] or "–" for name in by)


def _of_tokens(row: dict[str, Any]) -> Group:
    amounts = {name: row[name] for name in _CLASSES}
    money = {name: Fraction(row[f"usd_{name}"]) for name in _CLASSES}
    units = row["tokens"] if row["uncounted"] else row["requests"]
    return Group(units, amounts, money, Fraction(row["usd"]) - sum(money.values(), ZERO))


def _line(row: dict[str, Any]) -> str:
    """Return what a line of money is called that no workload made."""
    known = {
        "overhead": f"overhead {row['line']}",
        "commitment_unused": f"unused commitment to {row['line']}",
        "node_others": f"other tenants of {row['pool']}",
    }
    return known.get(
        row["component"], f"{row['pool']}: {row['component'].removeprefix('gpu_').replace('_', ' ')} GPU time"
    )


def _add(groups: dict[Key, Group], name: Key, more: Group) -> None:
    before = groups.get(name)
    if before is None:
        groups[name] = more
        return
    amounts = {k: Fraction(before.amounts.get(k, 0)) + Fraction(more.amounts.get(k, 0))
               for k in {**before.amounts, **more.amounts}}  # fmt: skip
    money = {k: before.money.get(k, ZERO) + more.money.get(k, ZERO) for k in {**before.money, **more.money}}
    groups[name] = Group(before.units + more.units, amounts, money, before.more + more.more)
