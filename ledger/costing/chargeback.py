"""Who pays: a month's money by owner; what is nobody's stands alone or is spread by a rule; pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from ledger.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ledger.costing.reconcile import Reconciled

RULES = ("own-line", "by-cost", "even")
"""Shared money: lines of its own; spread in proportion to direct cost; the same for everybody."""
UNATTRIBUTED = "(unattributed)"
_CENT = Decimal("0.01")
_EXACT = Decimal("1e-12")


@dataclass(frozen=True, slots=True)
class Direct:
    """Money that work of one owner made, USD: metered tokens, or GPU time that was used."""

    owner: str
    what: str
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Billed:
    """What a provider billed for some days and what was metered for them, USD.

    `unbilled_days` have no bill yet, `foreign_days` are billed in currencies without a rate: both stay as metered.
    """

    provider: str
    metered: Decimal
    billed: Decimal
    days: int
    unbilled_days: int
    foreign_days: int
    is_final: bool


def differences(days: Iterable[Reconciled], first: date, end: date) -> list[Billed]:
    """Return bills by provider for the UTC days from `first` up to but without `end`.

    `days` should reach a little beyond: a day without a bill counts as billed with 0 only once a later day has one.
    """
    by: dict[str, list[Reconciled]] = defaultdict(list)
    for one in days:
        by[one.provider].append(one)
    out = []
    for provider, found in sorted(by.items()):
        last = max((d.day for d in found if d.residual.billed or d.left_out), default=date.min)
        asked = [d for d in found if first <= d.day < end]
        held = [d for d in asked if d.day <= last and not d.left_out]
        out.append(
            Billed(
                provider, sum((d.residual.metered for d in held), Decimal(0)),
                sum((d.residual.billed for d in held), Decimal(0)), len(held), sum(d.day > last for d in asked),
                sum(bool(d.left_out) for d in asked), all(d.is_final for d in held),
            )
        )  # fmt: skip
    return out


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a statement, USD exactly; `shared` money was spread to its owner by a rule."""

    owner: str
    what: str
    usd: Decimal
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """A month: lines that add up to the bill."""

    lines: tuple[Line, ...]
    bill: Decimal

    def owners(self) -> dict[str, Decimal]:
        """Return what each owner pays, USD exactly, dearest first; shared lines of no owner come last, under ''."""
        out: dict[str, Decimal] = defaultdict(Decimal)
        for line in self.lines:
            out[line.owner] += line.usd
        return dict(sorted(out.items(), key=lambda item: (item[0] == "", -item[1], item[0])))

    def cents(self) -> list[tuple[Line, Decimal]]:
        """Return each line in whole cents; together they are the bill in cents: the largest rests are rounded up."""
        whole = self.bill.quantize(_CENT, ROUND_HALF_EVEN)
        floors = [line.usd.quantize(_CENT, "ROUND_FLOOR") for line in self.lines]
        left = int((whole - sum(floors, Decimal(0))) / _CENT)
        order = sorted(range(len(floors)), key=lambda n: (floors[n] - self.lines[n].usd, n))
        for n in order[: max(0, left)]:
            floors[n] += _CENT
        return list(zip(self.lines, floors, strict=True))


def statement(direct: Iterable[Direct], shared: Mapping[str, Decimal], rule: str) -> Statement:
    """Return a month's lines; they add up to all direct and shared money exactly, whatever the rule.

    Raises ConfigError for a rule that is not known. With nobody to spread to, shared money keeps its own lines.
    """
    if rule not in RULES:
        raise ConfigError(f"--shared {rule}: not one of {', '.join(RULES)}")
    money: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for one in direct:
        money[one.owner or UNATTRIBUTED, one.what] += one.usd
    lines = [Line(owner, what, usd) for (owner, what), usd in sorted(money.items()) if usd]
    bill = sum((line.usd for line in lines), Decimal(0)) + sum(shared.values(), Decimal(0))
    weights = _weights(lines, rule)
    for what, usd in sorted(shared.items()):
        if not usd:
            continue
        if not weights:
            lines.append(Line("", what, usd, shared=True))
            continue
        lines += [Line(owner, what, part, shared=True) for owner, part in _spread(usd, weights).items() if part]
    return Statement(tuple(lines), bill)


def _weights(lines: Iterable[Line], rule: str) -> dict[str, Decimal]:
    owners: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line.owner != UNATTRIBUTED:
            owners[line.owner] += line.usd
    if rule == "own-line":
        return {}
    weights = {owner: usd for owner, usd in sorted(owners.items()) if usd > 0}
    return dict.fromkeys(weights, Decimal(1)) if rule == "even" else weights


def _spread(usd: Decimal, weights: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Split an amount by weights; the parts add up to it, the first with the largest rest takes what is left."""
    whole = sum(weights.values(), Decimal(0))
    parts = {owner: (usd * weight / whole).quantize(_EXACT, "ROUND_DOWN") for owner, weight in weights.items()}
    largest = max(parts, key=lambda owner: (abs(parts[owner]), owner))
    parts[largest] += usd - sum(parts.values(), Decimal(0))
    return parts
