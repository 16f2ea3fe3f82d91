"""How far the tick has come: which rows of each fact table it has seen, also of those that come in late.

A row's version is taken before the row is in: when the newest is seen, an older one of another thread may still be on
its way. So rows of the last two minutes are sealed by hour, a hash of their versions, and an hour whose seal is another
than it was is looked at again: for a late row, a repeated one, or because the engine merged two.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ledger.records import SourceState

if TYPE_CHECKING:
    from ledger.store import Store

LATE_NS = 120 * 10**9
"""How long a row may be on its way behind its version."""
SETTLED_NS = 5 * LATE_NS
"""After so long without a new row none is on its way."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Rows of a table up to `latest`, all that have a version up to `after`; of those behind it a seal by hour."""

    latest: int = 0
    after: int = 0
    seals: dict[int, int] = field(default_factory=dict)

    def asked(self, now_ns: int) -> dict[str, int]:
        """Return what a dirty_*.sql is asked with at a version; if clocks went back since, it looks back with them."""
        return {"after": min(self.after, max(0, now_ns - LATE_NS)), "late": LATE_NS, "until": now_ns}

    def changed(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows of an answer whose hours are not as they were seen."""
        return [row for row in rows if self.seals.get(_epoch(row["hour"])) != row["seal"]]

    def following(self, rows: list[dict[str, Any]], until: datetime) -> Seen:
        """Return what is seen once all of an answer is worked in; hours behind `until` are not, and stay changed."""
        if not rows:
            return self
        seals = {_epoch(row["hour"]): row["recent"] for row in rows if row["recent"] and row["hour"] <= until}
        return Seen(max(row["seen"] for row in rows), rows[0]["since"], seals)

    def settled(self, now_ns: int) -> Seen:
        """Return it without the seals where nothing can be on its way any more: then they need not be compared."""
        return Seen(self.latest, self.latest) if self.seals and now_ns - self.latest > SETTLED_NS else self


@dataclass(frozen=True, slots=True)
class Mark:
    """What was seen of each fact table; up to which hour pools are costed, and up to which own work is told."""

    requests: Seen = Seen()
    samples: Seen = Seen()
    engines: Seen = Seen()
    buckets: Seen = Seen()
    decisions: Seen = Seen()
    closed: datetime | None = None
    covered: datetime | None = None

    def settled(self, now_ns: int) -> Mark:
        """Return it without seals that are no longer needed."""
        out = self
        for name in TABLES:
            out = out.having(name, getattr(self, name).settled(now_ns))
        return out

    def having(self, table: str, seen: Seen) -> Mark:
        """Return it with what was seen of a table."""
        changed: dict[str, Any] = {table: seen}
        return replace(self, **changed)


TABLES = ("requests", "samples", "engines", "buckets", "decisions")


def read_mark(store: Store) -> Mark:
    """Return the stored mark; one of an earlier form has seen nothing, so that all is looked at once."""
    rows = store.ask("ledger.store", "cursor", source="tick", name="mark")
    given = json.loads(rows[0]["value"]) if rows else {}
    if not isinstance(given.get("requests"), dict):
        return Mark()
    out = Mark(closed=_instant(given["closed"]), covered=_instant(given["covered"]))
    for name in TABLES:
        one = given[name]
        seals = {int(hour): seal for hour, seal in one["seals"].items()}
        out = out.having(name, Seen(one["latest"], one["after"], seals))
    return out


def write_mark(store: Store, mark: Mark) -> None:
    """Store a mark; only after everything that it speaks of is stored."""
    told = {name: asdict(getattr(mark, name)) for name in TABLES}
    instants = {name: at.isoformat() if at else "" for name, at in (("closed", mark.closed), ("covered", mark.covered))}
    store.add([SourceState("tick", "mark", json.dumps({**told, **instants}))])


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _epoch(hour: datetime) -> int:
    return int(hour.astimezone(UTC).timestamp())
