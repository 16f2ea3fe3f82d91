"""Metered against billed: the difference of each day taken apart into named causes that add up to it; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

ZERO = Decimal(0)
ALERT_SHARE = Decimal("0.02")
"""`ledger.residual_alert_share`: above it the difference of a day is worth a look."""
_SAME = Decimal("0.005")
"""Two unit prices within this share of one another are the same price."""
_DISCOUNT_SUPPORT = Decimal("0.5")
"""Share of the money that must show the same factor for it to be called a discount."""
CAUSES = ("boundary", "missing_usage", "price", "discount", "tax", "credit", "fee", "unknown")
"""What a difference may be made of, in the order in which it is shown."""
_OTHER = {"tax": "tax", "credit": "credit", "purchase": "fee", "adjustment": "fee", "fee": "fee"}

Key = tuple[str, str]
"""Model and token class of a line; ('', '') for what has neither, such as tool fees."""


@dataclass(frozen=True, slots=True)
class Line:
    """One model and token class in one day. `reported_tokens` None: the provider tells no usage of it.

    `reported_cost` is what the reported tokens cost by the price book, None without a price.
    """

    metered_tokens: int = 0
    metered_cost: Decimal = ZERO
    reported_tokens: int | None = None
    reported_cost: Decimal | None = None
    billed_cost: Decimal = ZERO
    list_cost: Decimal | None = None

    @property
    def missing_usage(self) -> Decimal:
        """Money of the tokens that the provider tells and we did not meter; negative for the reverse."""
        if self.reported_tokens is None:
            return ZERO
        if self.metered_tokens and self.metered_cost:
            return (self.reported_tokens - self.metered_tokens) * self.metered_cost / self.metered_tokens
        return self.reported_cost or ZERO

    @property
    def expected(self) -> Decimal:
        """What the line costs by our prices with all usage in it."""
        return self.metered_cost + self.missing_usage


@dataclass(frozen=True, slots=True)
class Day:
    """What is known of one provider's UTC day; `other` is money that is no usage, by FOCUS charge category.

    `is_whole` False: a part of the bill is in a currency without a rate, so nothing can be said of its causes.
    """

    day: date
    lines: Mapping[Key, Line]
    other: Mapping[str, Decimal] = field(default_factory=dict)
    has_bill: bool = True
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Residual:
    """The difference of a day (or of several) and what it is made of; `causes` add up to the difference."""

    metered: Decimal
    billed: Decimal
    causes: dict[str, Decimal]
    discount_factor: Decimal | None = None

    @property
    def difference(self) -> Decimal:
        """Billed minus metered, USD."""
        return self.billed - self.metered

    @property
    def share(self) -> Decimal | None:
        """The difference as a share of the bill; None without a bill."""
        return self.difference / self.billed if self.billed else None

    @property
    def coverage(self) -> Decimal | None:
        """Which share of the bill our metering explains; None without a bill."""
        return min(Decimal(1), max(ZERO, self.metered / self.billed)) if self.billed > 0 else None

    @property
    def alert(self) -> bool:
        """Say whether the difference is worth a look: above 2 % of the bill, or metered and not billed."""
        return bool(self.metered) if self.share is None else abs(self.share) > ALERT_SHARE


def decompose(days: Sequence[Day]) -> list[Residual]:
    """Take the difference of consecutive days of one provider apart; the causes of each day add up to it exactly."""
    factor = discount_factor(days)
    late: dict[Key, Decimal] = {}
    return [_day(one, factor or Decimal(1), factor, late) for one in days]


def together(residuals: Sequence[Residual]) -> Residual:
    """Return several days as one."""
    causes = {name: sum((r.causes[name] for r in residuals), ZERO) for name in CAUSES}
    return Residual(
        sum((r.metered for r in residuals), ZERO), sum((r.billed for r in residuals), ZERO), causes,
        residuals[0].discount_factor if residuals else None,
    )  # fmt: skip


def discount_factor(days: Sequence[Day]) -> Decimal | None:
    """Return billed over list price where one factor explains most of the money; None where there is none.

    List prices of the provider are taken before ours. It is offered, never applied to what was metered.
    """
    lines = [line for day in days if day.has_bill and day.is_whole for line in day.lines.values() if line.billed_cost]
    listed = sum((line.list_cost for line in lines if line.list_cost), ZERO)
    if lines and listed and all(line.list_cost is not None for line in lines):
        factor = sum((line.billed_cost for line in lines), ZERO) / listed
        return factor if factor < 1 - _SAME else None
    pairs = sorted((line.billed_cost / line.expected, line.expected) for line in lines if line.expected > 0)
    whole = sum((weight for _, weight in pairs), ZERO)
    if not whole:
        return None
    median, below = ZERO, ZERO
    for ratio, weight in pairs:
        median, below = ratio, below + weight
        if below * 2 >= whole:
            break
    support = sum((weight for ratio, weight in pairs if abs(ratio - median) <= _SAME), ZERO)
    return median if support >= _DISCOUNT_SUPPORT * whole and median < 1 - _SAME else None


def _day(one: Day, scale: Decimal, factor: Decimal | None, late: dict[Key, Decimal]) -> Residual:
    causes = dict.fromkeys(CAUSES, ZERO)
    metered = sum((line.metered_cost for line in one.lines.values()), ZERO)
    billed = sum((line.billed_cost for line in one.lines.values()), ZERO) + sum(one.other.values(), ZERO)
    if not one.is_whole:
        return Residual(metered, billed, {**causes, "unknown": billed - metered}, factor)
    for category, amount in one.other.items():
        causes[_OTHER.get(category, "unknown")] += amount
    for key, line in one.lines.items():
        due = line.expected * scale
        causes["missing_usage"] += line.missing_usage
        causes["discount"] += due - line.expected
        rest = line.billed_cost - due
        if not one.has_bill:
            late[key] = late.get(key, ZERO) + due
            causes["boundary"] += rest
            continue
        if rest > 0 and late.get(key):
            came = min(rest, late[key])
            late[key] -= came
            causes["boundary"] += came
            rest -= came
        known = line.reported_tokens is not None and line.expected
        causes["price" if known and abs(rest) > _SAME * due else "unknown"] += rest
    if one.has_bill:
        late.clear()  # what is late comes with the next bill, or is not known to come
    return Residual(metered, billed, causes, factor)


def scaled(metered: Mapping[str, Decimal], billed: Decimal) -> dict[str, Decimal] | None:
    """Return the metered parts stretched to the bill, a view only; None where nothing was metered."""
    whole = sum(metered.values(), ZERO)
    return {name: part * billed / whole for name, part in metered.items()} if whole else None
