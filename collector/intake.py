"""Take records into the store: batches of one month with a token each, equal rows numbered, refused rows kept."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from collector.sources.requests_log import attributed
from ledger.records import Batch, GpuSample, Rejected, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.attribution import Attribution
    from ledger.errors import BadRow
    from ledger.prices.register import PriceRegister
    from ledger.store import Store

BATCH = 50_000
_KEEP_REJECTED = 10_000
"""Refused rows kept of one file; beyond it they are only counted."""


@dataclass(slots=True)
class Counts:
    """What became of the rows of an import."""

    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    unpriced: int = 0


class Equals:
    """Numbers rows of equal content, in memory that does not grow with the file: the rest spills to a temporary file."""

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
    """One file (or sender) on its way into the store."""

    def __init__(
        self, store: Store, prices: PriceRegister, attribution: Attribution, origin: str, now: datetime
    ) -> None:
        self.store, self.prices, self.attribution = store, prices, attribution
        self.origin, self.now = origin, now
        self.counts = Counts()
        self.without_price: set[tuple[str, str]] = set()
        self.examples: list[tuple[int, BadRow]] = []
        self._waiting: dict[tuple[str, int, int], list[Request | GpuSample]] = defaultdict(list)
        self._refused: list[Rejected] = []
        self._equals = Equals()

    def take(self, record: Request | GpuSample, service: str = "") -> None:
        """Queue one good record."""
        if isinstance(record, Request):
            if "|#" in record.event_key:
                record = attributed(record, self._equals.number(record.event_key))
            record = self.attribution.place(record, service)
        waiting = self._waiting[record.TABLE, record.at.year, record.at.month]
        waiting.append(record)
        if len(waiting) >= BATCH:
            self._flush(waiting)

    def refuse(self, line: int, bad: BadRow, source: str) -> None:
        """Queue one bad row with its reason; values are kept out, they may hold a prompt."""
        self.counts.rejected += 1
        if len(self.examples) < 5:
            self.examples.append((line, bad))
        if self.counts.rejected <= _KEEP_REJECTED:
            self._refused.append(Rejected(self.now, source, self.origin, line, bad.field, bad.reason, ""))

    def finish(self) -> Counts:
        """Store what is queued and return the counts."""
        for waiting in self._waiting.values():
            self._flush(waiting)
        if self._refused:
            for start in range(0, len(self._refused), BATCH):
                self.store.add(self._refused[start : start + BATCH], token=self._token(self._refused))
            self._refused.clear()
        self._equals.close()
        return self.counts

    def _flush(self, waiting: list[Request | GpuSample]) -> None:
        if not waiting:
            return
        requests = [r for r in waiting if isinstance(r, Request)]
        samples = [r for r in waiting if isinstance(r, GpuSample)]
        token = self._token(waiting)
        if requests:
            missing = self.prices.resolve({_name(r) for r in requests if r.side == "api"}, self.now)
            self.without_price |= {(provider, model) for provider, model, _, _ in missing}
        span = _span(waiting)
        query = "count_requests" if requests else "count_samples"
        before = self._stored(query, span)
        self.store.add(requests or samples, token=token)
        new = min(len(waiting), max(0, self._stored(query, span) - before))
        self.counts.accepted += new
        self.counts.duplicate += len(waiting) - new
        source = waiting[0].source
        self.store.add([Batch(token, source, self.origin, len(waiting), self.counts.rejected, self.now)], token=token)
        waiting.clear()

    def _stored(self, query: str, span: tuple[datetime, datetime]) -> int:
        rows = self.store.ask("collector", query, **{"from": span[0], "to": span[1]})
        return int(rows[0]["n"])

    @staticmethod
    def _token(rows: Sequence[Request | GpuSample | Rejected]) -> str:
        """Name a batch by its content: a token ignores content, so equal tokens must mean equal rows."""
        digest = hashlib.sha256()
        for row in rows:
            digest.update(repr(row).encode("utf-8", "replace"))
        return digest.hexdigest()


def _name(request: Request) -> tuple[str, str, str, str]:
    return request.provider, request.model, request.variant, request.region


def _span(rows: Sequence[Request | GpuSample]) -> tuple[datetime, datetime]:
    """Return the whole hours that hold all rows."""
    first, last = min(r.at for r in rows), max(r.at for r in rows)
    start = first.replace(minute=0, second=0, microsecond=0)
    return start, last.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
