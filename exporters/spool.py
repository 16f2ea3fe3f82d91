"""What was measured waits on disk until a receiver has taken it: one SQLite file, oldest first, bounded in bytes."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import random
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger("breakeven.exporter")
LIMIT = 64 << 20
"""Most bytes that wait; above it the oldest go first, and are counted."""
POISON_LIMIT = 1 << 20
IN_MEMORY = 600
"""Batches that are held in memory while the disk takes nothing."""
_TABLES = """
CREATE TABLE IF NOT EXISTS waiting (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS poison (id INTEGER PRIMARY KEY, path TEXT NOT NULL, body BLOB NOT NULL, reason TEXT);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


class SpoolInUse(Exception):  # noqa: N818 - says what is so, not what went wrong
    """Another exporter works on the same file."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One request body that waits, and where it is to be sent."""

    id: int
    path: str
    body: bytes


class Spool:
    """Batches on disk. Every call is one transaction; a kill at any point loses at most the batch being put.

    A file that is broken is put aside and a new one begun. A full disk breaks nothing: what is on it stays, the newest
    batches wait in memory, and a file that cannot even be opened is tried again with each batch.
    """

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self.path, self.limit = path, limit
        self._memory: deque[tuple[str, bytes]] = deque(maxlen=IN_MEMORY)
        self._state: dict[str, str] = {}
        self._guard = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = path.with_suffix(".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise SpoolInUse(f"{path}: another exporter uses this spool; give each its own --spool") from None
        self._kept: sqlite3.Connection | None = None
        with contextlib.suppress(sqlite3.OperationalError):
            self._kept = self._opened()

    def put(self, path: str, body: bytes, state: dict[str, str] | None = None) -> None:
        """Keep a batch and, in one transaction, what it was counted from; over the limit the oldest are dropped."""
        with self._guard:
            self._memory.append((path, body))
            self._state.update(state or {})
            try:
                with self._base as base:
                    base.executemany("INSERT INTO waiting (path, body) VALUES (?, ?)", list(self._memory))
                    base.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", list(self._state.items()))
                    self._make_room(base)
                self._memory.clear()
                self._state.clear()
                self._base.executescript("PRAGMA incremental_vacuum;")  # execute() would free one page
            except sqlite3.OperationalError as error:  # no space left: measured on, tried again with the next batch
                log.warning("the spool takes nothing (%s); %d batches wait in memory", error, len(self._memory))
            except sqlite3.DatabaseError as error:
                self._begin_anew(error)

    def keep(self, state: dict[str, str]) -> None:
        """Keep values without a batch; they are written with the next one at the latest."""
        with self._guard:
            self._state.update(state)
            with contextlib.suppress(sqlite3.OperationalError), self._base as base:
                base.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", list(self._state.items()))

    def state(self, name: str) -> str | None:
        """Return a value that was kept with a batch."""
        found = None
        with self._guard, contextlib.suppress(sqlite3.OperationalError):
            found = self._base.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return self._state.get(name, found[0] if found else None)

    def peek(self, most: int = 50) -> list[Batch]:
        """Return the oldest batches that wait."""
        with self._guard:
            rows = self._base.execute("SELECT id, path, body FROM waiting ORDER BY id LIMIT ?", (most,)).fetchall()
        return [Batch(*row) for row in rows]

    def taken(self, batch: Batch) -> None:
        """Forget a batch that a receiver has stored."""
        with self._guard, self._base as base:
            base.execute("DELETE FROM waiting WHERE id = ?", (batch.id,))

    def refused(self, batch: Batch, reason: str) -> None:
        """Put a batch aside that no receiver will ever take, so that it does not block the rest."""
        with self._guard, self._base as base:
            base.execute("DELETE FROM waiting WHERE id = ?", (batch.id,))
            base.execute("INSERT OR REPLACE INTO poison VALUES (?, ?, ?, ?)", (*_row(batch), reason))
            while self._size(base, "poison") > POISON_LIMIT:
                base.execute("DELETE FROM poison WHERE id = (SELECT min(id) FROM poison)")
            _count(base, "refused", 1)

    def counts(self) -> dict[str, int]:
        """Return how many batches wait, were dropped for lack of room, were refused, and how often the file broke.

        Raises sqlite3.OperationalError while the file cannot be opened.
        """
        with self._guard:
            found = dict(self._base.execute("SELECT name, value FROM counters").fetchall())
            (waiting,) = self._base.execute("SELECT count(*) FROM waiting").fetchone()
        return {"waiting": waiting, **{name: found.get(name, 0) for name in ("dropped", "refused", "broken")}}

    def left(self) -> str:
        """Return how many batches wait, for people; empty for none."""
        try:
            waiting = self.counts()["waiting"]
        except sqlite3.OperationalError:
            return "Unknown: the file cannot be opened, so all"
        return str(waiting) if waiting else ""

    @property
    def held(self) -> int:
        """How many batches are in memory only, because the disk takes nothing."""
        with self._guard:
            return len(self._memory)

    def close(self) -> None:
        """Let go of the file."""
        with self._guard:
            if self._kept is not None:
                self._kept.close()
            self._lock.close()

    @property
    def _base(self) -> sqlite3.Connection:
        """Return the open file; raises sqlite3.OperationalError while the disk takes nothing."""
        if self._kept is None:
            self._kept = self._opened()
        return self._kept

    def _make_room(self, base: sqlite3.Connection) -> None:
        dropped = 0
        while self._size(base, "waiting") > self.limit:
            dropped += base.execute("DELETE FROM waiting WHERE id = (SELECT min(id) FROM waiting)").rowcount
        if dropped:
            _count(base, "dropped", dropped)
            log.warning("the spool is full: the %d oldest batches were dropped", dropped)

    @staticmethod
    def _size(base: sqlite3.Connection, table: str) -> int:
        sizes = {"waiting": "SELECT coalesce(sum(length(body)), 0) FROM waiting",
                 "poison": "SELECT coalesce(sum(length(body)), 0) FROM poison"}  # fmt: skip
        return int(base.execute(sizes[table]).fetchone()[0])

    def _opened(self) -> sqlite3.Connection:
        try:
            return _open(self.path)
        except sqlite3.OperationalError as error:  # no space, no right to it: nothing is wrong with the file
            log.warning("the spool cannot be opened (%s); batches wait in memory", error)
            raise
        except sqlite3.DatabaseError as error:
            return self._aside(error)

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        if self._kept is not None:
            self._kept.close()
        self._kept = self._aside(error)
        waiting = list(self._memory)
        self._memory.clear()
        for path, body in waiting:
            self.put(path, body)

    def _aside(self, error: sqlite3.DatabaseError) -> sqlite3.Connection:
        """Rename a broken file and begin a new one."""
        broken = self.path.with_name(f"{self.path.name}.broken-{time.time_ns()}")
        for end in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                self.path.with_name(self.path.name + end).rename(broken.with_name(broken.name + end))
        log.warning("the spool was broken (%s); it is kept as %s and a new one begun", error, broken.name)
        base = _open(self.path)
        with base:
            _count(base, "broken", 1)
        return base


def _open(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, check_same_thread=False, timeout=10)
    try:
        base.execute("PRAGMA auto_vacuum = INCREMENTAL")
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = FULL")
        _check(base)
        base.executescript(_TABLES)
    except sqlite3.DatabaseError:
        base.close()
        raise
    return base


def _check(base: sqlite3.Connection) -> None:
    (state,) = base.execute("PRAGMA quick_check").fetchone()
    if state != "ok":
        raise sqlite3.DatabaseError(state)


def _row(batch: Batch) -> tuple[int, str, bytes]:
    return batch.id, batch.path, batch.body


def _count(base: sqlite3.Connection, name: str, more: int) -> None:
    base.execute(
        "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
        (name, more),
    )


@dataclass(slots=True)
class Sender:
    """Sends what waits to an OTLP/HTTP receiver, oldest first: each batch until it is stored or finally refused."""

    spool: Spool
    endpoint: str
    headers: dict[str, str] = field(default_factory=dict)
    pause: Callable[[float], object] = time.sleep
    rate: float = 4.0
    last_error: str = ""

    def drain(self) -> float:
        """Send until nothing waits or the receiver fails; return seconds to wait before the next try, 0 = all sent."""
        try:
            while batches := self.spool.peek():
                for number, batch in enumerate(batches):
                    wait = self._send(batch)
                    if wait:
                        return wait
                    if number or len(batches) > 1:
                        self.pause(1 / self.rate)  # after an outage: not all at once
        except sqlite3.OperationalError as error:  # a full disk: what was sent cannot be crossed off, and is sent again
            self.last_error = str(error)
            return 1.0
        return 0.0

    def run(self, stop: threading.Event, interval: float = 1.0) -> None:
        """Send until told to stop; after a failure wait from 1 s up to 60 s, or as long as the receiver asks."""
        failures = 0
        while not stop.is_set():
            asked = self.drain()
            failures = failures + 1 if asked else 0
            backoff = min(60.0, 2.0 ** (failures - 1)) * random.uniform(0.5, 1.0) if asked else interval  # noqa: S311
            stop.wait(max(backoff, asked if asked > 1 else 0.0))

    def _send(self, batch: Batch) -> float:
        """Post one batch; return 0 when it is settled, else seconds to wait."""
        headers = {"Content-Type": "application/x-protobuf", **self.headers}
        request = urllib.request.Request(self.endpoint.rstrip("/") + batch.path, batch.body, headers, method="POST")  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30):  # noqa: S310
                self.spool.taken(batch)
        except urllib.error.HTTPError as error:
            self.last_error = f"{error.code} {error.reason}"
            if error.code in (408, 429) or error.code >= 500:
                return _seconds(error.headers.get("Retry-After"))
            self.spool.refused(batch, self.last_error)
            log.warning("a batch was refused for good: %s", self.last_error)
        except OSError as error:
            self.last_error = str(error)
            return 1.0
        return 0.0


def _seconds(told: str | None) -> float:
    return min(300.0, max(1.0, float(told))) if told and told.isdigit() else 1.0
