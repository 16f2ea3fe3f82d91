"""Take records into the store: batches of one month with a token each, equal rows numbered, refused rows kept."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import defaultdict
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from ledger.records import Batch, GpuSample, Rejected, Request, price_variant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from collector.attribution import Attribution
    from ledger.errors import BadRow
    from ledger.prices.register import PriceRegister
    from ledger.store import Store

Columns = dict[str, list[Any]]
BATCH = 50_000
CONTENT = "|#"
"""In the key of an event that has no id but its content."""
_KEEP_REJECTED = 10_000
"""Refused rows kept of one file; beyond it they are only counted."""


@dataclass(slots=True)
class Counts:
    """What became of the rows of an import."""

    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0


class Equals:
    """Numbers rows of equal content; memory does not grow with the file, the rest spills to a temporary one."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")
        self._db.execute("PRAGMA cache_size = -65536")
        self._db.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, n INTEGER) WITHOUT ROWID")

    def number(self, key: str) -> int:
        """Return how many rows with this key came before."""
        digest = hashlib.blake2b(key.encode(), digest_size=12).digest()
        row = self._db.execute(
            "INSERT INTO seen VALUES (?, 0) ON CONFLICT (key) DO UPDATE SET n = n + 1 RETURNING n", (digest,)
        ).fetchone()
        return int(row[0])

    def close(self) -> None:
        """Forget everything."""
        self._db.close()


class Intake:
    """One file (or sender) on its way into the store.

    `counting`: somebody asks how many were new; `numbered`: equal rows without an id have numbers.
    """

    def __init__(
        self,
        store: Store,
        prices: PriceRegister,
        attribution: Attribution,
        origin: str,
        now: datetime,
        *,
        counting: bool = True,
        numbered: bool = False,
    ) -> None:
        self.counting, self.numbered = counting, numbered
        self.store, self.prices, self.attribution = store, prices, attribution
        self.origin, self.now = origin, now
        self.counts = Counts()
        self.without_price: set[tuple[str, str]] = set()
        self.examples: list[tuple[int, BadRow]] = []
        self._waiting: dict[tuple[str, int, int], list[Request | GpuSample]] = defaultdict(list)
        self._alike: dict[tuple[str, int, int], list[tuple[Request, Columns]]] = defaultdict(list)
        self._refused: list[Rejected] = []
        self._equals = Equals()

    def take(self, record: Request | GpuSample) -> None:
        """Queue one good record."""
        waiting = self._waiting[record.TABLE, record.at.year, record.at.month]
        waiting.append(record)
        if len(waiting) >= BATCH:
            self._flush(waiting)

    def take_alike(self, like: Request, columns: Columns) -> None:
        """Queue good requests of one month that are like one but for some columns, their instants among them."""
        at = columns["at"][0]
        self._alike[like.TABLE, at.year, at.month].append((like, columns))

    def refuse(self, line: int, bad: BadRow, source: str, at: datetime | None = None) -> None:
        """Queue one bad row with its reason (`at`: when it came); values are kept out, they may hold a prompt."""
        self.counts.rejected += 1
        if len(self.examples) < 5:
            self.examples.append((line, bad))
        if self.counts.rejected <= _KEEP_REJECTED:
            self._refused.append(Rejected(at or self.now, source, self.origin, line, bad.field, bad.reason, ""))

    def finish(self) -> Counts:
        """Store what is queued and return the counts."""
        for month in [*self._waiting, *(month for month in self._alike if month not in self._waiting)]:
            self._flush(self._waiting[month], self._alike.pop(month, []))
        for start in range(0, len(self._refused), BATCH):
            part = self._refused[start : start + BATCH]
            self.store.add(part, token=_token({"rows": [repr(row) for row in part]}))
        self._refused.clear()
        self._equals.close()
        return self.counts

    def _flush(self, waiting: list[Request | GpuSample], alike: Iterable[tuple[Request, Columns]] = ()) -> None:
        first = next(iter(waiting), None) or next((like for like, _ in alike), None)
        if first is None:
            return
        columns = {f.name: [getattr(row, f.name) for row in waiting] for f in fields(first)}
        for like, told in alike:
            for name, column in columns.items():
                column.extend(told[name] if name in told else [getattr(like, name)] * len(told["at"]))
        if isinstance(first, Request):
            self._complete(columns)
        token = _token(columns)
        if not self.counting:
            self.store.add_columns(first.TABLE, columns, token=token)
            self._wrote(first.source, token, columns)
            waiting.clear()
            return
        span = _span(columns["at"])
        query = "count_requests" if isinstance(first, Request) else "count_samples"
        before = self._stored(query, span)
        self.store.add_columns(first.TABLE, columns, token=token)
        new = min(len(columns["at"]), max(0, self._stored(query, span) - before))
        self.counts.accepted += new
        self.counts.duplicate += len(columns["at"]) - new
        self._wrote(first.source, token, columns)
        waiting.clear()

    def _wrote(self, source: str, token: str, columns: Columns) -> None:
        """Write down that a batch is stored."""
        rows = len(columns["at"])
        self.store.add([Batch(token, source, self.origin, rows, self.counts.rejected, self.now)], token=token)

    def _complete(self, columns: dict[str, list[Any]]) -> None:
        """Number equal rows, place requests into workloads and deployments, and have their names priced."""
        keys = columns["event_key"]
        for at, key in enumerate(keys):
            if CONTENT in key and not self.numbered:
                number = self._equals.number(key)
                keys[at] = f"{key}|{number}" if number else key
        self.attribution.place(columns)
        names = set(zip(columns["provider"], columns["model"], columns["tier"], columns["processing"],
                        columns["region"], columns["side"], strict=True))  # fmt: skip
        missing = self.prices.resolve(
            {(p, m, price_variant(tier, processing), r) for p, m, tier, processing, r, side in names if side == "api"},
            self.now,
        )
        self.without_price |= {(provider, model) for provider, model, _, _ in missing}

    def _stored(self, query: str, span: tuple[datetime, datetime]) -> int:
        rows = self.store.ask("collector", query, **{"from": span[0], "to": span[1]})
        return int(rows[0]["n"])


def _token(columns: dict[str, list[Any]]) -> str:
    """Name a batch by its content: the store drops a known token unread, so equal tokens must mean equal rows."""
    return hashlib.sha256(orjson.dumps(columns, default=str)).hexdigest()


def _span(instants: list[datetime]) -> tuple[datetime, datetime]:
    """Return the whole hours that hold all instants."""
    first, last = min(instants), max(instants)
    start = first.replace(minute=0, second=0, microsecond=0)
    return start, last.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
