"""Why spend changed between two periods: causes that add up to the change exactly (economics 17.3); pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

CAUSES = ("volume", "mix", "tokens", "cache", "price", "utilisation", "fees", "declared", "fx")
"""In the order in which they are taken: each is priced at what stood before it."""
INPUT = ("input_fresh", "cache_read", "cache_write_short", "cache_write_long", "cache_write_other")
_EXACT = Decimal("1e-12")
ZERO = Fraction(0)
Name = TypeVar("Name")


@dataclass(frozen=True, slots=True)
class Group:
    """What one group did in one period.

    `units`: requests (where nobody counted them: tokens, or GPU-hours); `amounts`: tokens or GPU-hours by class;
    `money`: USD of each class; `more`: USD beside them (tool fees, audio, images).
    """

    units: int | Fraction = 0
    amounts: Mapping[str, int | Fraction] = field(default_factory=dict)
    money: Mapping[str, Fraction] = field(default_factory=dict)
    more: Fraction = ZERO

    @property
    def cost(self) -> Fraction:
        """USD of the group."""
        return sum(self.money.values(), ZERO) + self.more


@dataclass(frozen=True, slots=True)
class _Rate:
    """A group by unit: amounts of each class, price of each class, and money beside."""

    amounts: Mapping[str, Fraction]
    prices: Mapping[str, Fraction]
    more: Fraction

    def cost(self, prices: Mapping[str, Fraction], more: Fraction) -> Fraction:
        """USD of a unit at some prices."""
        return sum((n * prices.get(name, ZERO) for name, n in self.amounts.items()), ZERO) + more


Causes = dict[str, Fraction]


def explain(before: Mapping[Name, Group], after: Mapping[Name, Group]) -> dict[Name, Causes]:
    """Return the causes of the change of each group; over all groups they add up to the change of all money.

    A group of one period only takes amounts and prices from it: it is all volume and mix.
    """
    whole = [sum((Fraction(g.units) for g in groups.values()), ZERO) for groups in (before, after)]
    out = {}
    for name in {**before, **after}:
        found: Causes = dict.fromkeys(CAUSES, ZERO)
        old, new = _rate(before.get(name)), _rate(after.get(name))
        if old is None and new is None:  # money without a unit
            found["fees"] = _cost(after.get(name)) - _cost(before.get(name))
            out[name] = found
            continue
        old, new = old or new, new or old
        assert old is not None
        assert new is not None
        old, new = _priced(old, new), _priced(new, old)
        shares = [
            Fraction(groups[name].units) / total if name in groups and total else ZERO
            for groups, total in zip((before, after), whole, strict=True)
        ]
        cost = old.cost(old.prices, old.more)
        # Money of a period without a unit is in no rate: it is a fee of that period.
        found["fees"] = _unitless(after.get(name)) - _unitless(before.get(name))
        found["volume"] = (whole[1] - whole[0]) * shares[0] * cost
        found["mix"] = whole[1] * (shares[1] - shares[0]) * cost
        _within(found, whole[1] * shares[1], old, new)
        out[name] = found
    return out


def _within(found: Causes, units: Fraction, old: _Rate, new: _Rate) -> None:
    """Add what changed inside a group, at its later number of units."""
    longer = _scaled(old, new)
    for cause, later, earlier in (("tokens", longer, old.amounts), ("cache", new.amounts, longer)):
        found[cause] += units * sum(
            ((later.get(k, ZERO) - earlier.get(k, ZERO)) * old.prices.get(k, ZERO) for k in {**later, **earlier}), ZERO
        )
    found["price"] += units * (new.cost(new.prices, ZERO) - new.cost(old.prices, ZERO))
    found["fees"] += units * (new.more - old.more)


def _scaled(old: _Rate, new: _Rate) -> dict[str, Fraction]:
    """Return the later amounts with the earlier split of the input over its classes."""
    before, after = (sum((r.amounts.get(name, ZERO) for name in INPUT), ZERO) for r in (old, new))
    out = dict(new.amounts)
    if before:
        out |= {name: old.amounts.get(name, ZERO) * after / before for name in INPUT}
    return out


def _rate(group: Group | None) -> _Rate | None:
    if group is None or not group.units:
        return None
    units = Fraction(group.units)
    return _Rate(
        {name: Fraction(n) / units for name, n in group.amounts.items()},
        {name: usd / Fraction(group.amounts[name]) for name, usd in group.money.items() if group.amounts.get(name)},
        # A class with money and no amount has no price: its money stands beside.
        (group.more + sum((usd for name, usd in group.money.items() if not group.amounts.get(name)), ZERO)) / units,
    )


def _priced(one: _Rate, other: _Rate) -> _Rate:
    """Return a rate with prices of the other for classes that it did not use: unused, so no price of it is known."""
    return _Rate(one.amounts, {**other.prices, **one.prices}, one.more)


def _cost(group: Group | None) -> Fraction:
    return ZERO if group is None else group.cost


def _unitless(group: Group | None) -> Fraction:
    return ZERO if group is None or group.units else group.cost


def unused(before: Group | None, after: Group | None) -> Causes:
    """Return the causes of a change of capacity that is paid for and does no work: its hours, and their price."""
    found: Causes = dict.fromkeys(CAUSES, ZERO)
    hours = [sum((Fraction(n) for n in g.amounts.values()), ZERO) if g else ZERO for g in (before, after)]
    prices = [_cost(g) / h if h else None for g, h in zip((before, after), hours, strict=True)]
    old = prices[0] if prices[0] is not None else prices[1]
    change = _cost(after) - _cost(before)
    found["utilisation"] = (hours[1] - hours[0]) * old if old is not None else change
    found["price"] = change - found["utilisation"]
    return found


def added(parts: Mapping[Any, Causes]) -> Causes:
    """Return causes over all groups."""
    return {cause: sum((part[cause] for part in parts.values()), ZERO) for cause in CAUSES}


def rounded(causes: Causes) -> dict[str, Decimal]:
    """Return causes in USD with 12 decimals that add up to their exact sum; the largest takes what rounding leaves."""
    whole = _decimal(sum(causes.values(), ZERO))
    out = {name: _decimal(value) for name, value in causes.items()}
    largest = max(out, key=lambda name: (abs(out[name]), name))
    out[largest] += whole - sum(out.values(), Decimal(0))
    return out


def _decimal(value: Fraction) -> Decimal:
    scaled = round(value * 10**12)
    return (Decimal(scaled) / 10**12).quantize(_EXACT, ROUND_HALF_EVEN)
