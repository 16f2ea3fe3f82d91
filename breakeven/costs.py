"""The question "what did it cost", asked alike by the command line, the API and scripts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from breakeven.answers import moment, zone_of
from ledger.costing import report
from ledger.costing.forecast import running
from ledger.costing.vintage import BOOKED
from ledger.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from breakeven.service import Service

MOST_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class CostQuestion:
    """What is asked, in the words of the command line; `against` is a second vintage to hold beside the first."""

    by: Sequence[str] = ("side",)
    since: str = ""
    until: str = ""
    bucket: str = ""
    timezone: str = "UTC"
    basis: str = "allocation"
    prices: str = BOOKED
    against: str = ""
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    limit: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CostAnswer:
    """Groups and their total; `others` are the same groups at the prices that were asked for beside, by group."""

    question: CostQuestion
    rows: list[report.Cost]
    total: report.Cost
    others: dict[tuple[str, ...], report.Cost]
    other_total: report.Cost | None
    now: datetime

    def json(self) -> dict[str, Any]:
        """Return the documented shape: money as text in USD, unknown as null; `next` is the offset of what follows."""
        asked = self.question
        end = asked.offset + asked.limit if asked.limit else len(self.rows)
        shown = self.rows[asked.offset : end]
        out: dict[str, Any] = {
            "prices": asked.prices,
            "basis": asked.basis,
            "rows": [{**row.json(), **self._beside(row)} for row in shown],
            "total": {**self.total.json(), **self._beside(None)},
            "count": len(self.rows),
            "next": end if end < len(self.rows) else None,
        }
        if asked.against:
            out["against"] = asked.against
        open_ = running(self.rows, asked.bucket, zone_of(asked.timezone), self.now)
        return {**out, "running": open_.json()} if open_ else out

    def _beside(self, row: report.Cost | None) -> dict[str, Any]:
        """Return the cost of a group, or of all, at the other prices and the difference."""
        if not self.question.against:
            return {}
        mine = self.total if row is None else row
        other = self.other_total if row is None else self.other(row)
        difference = _minus(mine.cost, other.cost if other else None)
        return {"against_cost": report.money(other.cost) if other else None, "difference": report.money(difference)}

    def other(self, row: report.Cost) -> report.Cost | None:
        """Return the same group at the other prices."""
        return self.others.get(tuple(row.group.values()))


def _minus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one - other


def ask(service: Service, asked: CostQuestion, told: Callable[[int, int], None] | None = None) -> CostAnswer:
    """Answer a question about cost; prices of another day are worked out first, `told` hears (hours done, to do).

    Raises ConfigError naming the option that is not understood.
    """
    zone, now = zone_of(asked.timezone), service.now()
    span = {"since": moment(asked.since, zone=zone), "until": moment(asked.until, end=True, zone=zone)}
    found = {
        prices: report.cost(
            service.store, by=asked.by, bucket=asked.bucket, basis=asked.basis, zone=zone, only=asked.only,
            vintage=service.vintage(prices, told), **span,
        )
        for prices in (asked.prices, asked.against)
        if prices
    }  # fmt: skip
    rows, total = found[asked.prices]
    others, other_total = found.get(asked.against, ([], None))
    return CostAnswer(asked, rows, total, {tuple(row.group.values()): row for row in others}, other_total, now)


def only(words: Iterable[str]) -> dict[str, list[str]]:
    """Return filters of `team=legal,search`, any number of them; raises ConfigError."""
    out: dict[str, list[str]] = {}
    for word in words:
        name, found, values = word.partition("=")
        if not found or not name.strip():
            raise ConfigError(f"--only {word}: write DIMENSION=VALUE[,VALUE], such as team=legal")
        out.setdefault(name.strip(), []).extend(value.strip() for value in values.split(","))
    return out
