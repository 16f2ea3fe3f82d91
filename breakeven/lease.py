"""Who runs the jobs where several programs work on one store: a lease that is renewed, and taken over when it ends.

It saves work; no figure rests on it. A job that two run at once gives what one gives.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ledger.records import SourceState

if TYPE_CHECKING:
    from ledger.store import Store

LEASE_S = 60


@dataclass(frozen=True, slots=True)
class Holder:
    """A program that holds a lease, and until when, epoch seconds."""

    name: str
    host: str
    pid: int
    until: float

    def gone(self) -> bool:
        """Say whether it ended without giving the lease back, as far as this machine can tell."""
        if self.host != socket.gethostname():
            return False
        if self.pid == os.getpid():
            return True  # this program has its number now
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False


@dataclass(slots=True)
class Lease:
    """The right to run a group of jobs; `store` is asked only when it is to be taken or renewed."""

    store: Store
    group: str
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    host: str = field(default_factory=socket.gethostname)
    _until: float = 0.0

    def holds(self, now: datetime) -> bool:
        """Take or renew it if that is due; say whether this program has it."""
        at = now.timestamp()
        if LEASE_S / 2 < self._until - at <= LEASE_S:  # further ahead it was taken by a clock that has gone back
            return True
        held = self.holder()
        if held and held.name != self.name and at < held.until <= at + 2 * LEASE_S and not held.gone():
            self._until = 0.0
            return False
        self._write(now + timedelta(seconds=LEASE_S))
        held = self.holder()
        self._until = held.until if held and held.name == self.name else 0.0
        return self._until > at

    def release(self) -> None:
        """Give it back, so that another need not wait for its end."""
        if self._until:
            self._write(datetime.fromtimestamp(0, UTC))
            self._until = 0.0

    def holder(self) -> Holder | None:
        """Return who has it, or had it last."""
        rows = self.store.ask("ledger.store", "cursor", source="lease", name=self.group)
        return Holder(**json.loads(rows[0]["value"])) if rows else None

    def _write(self, until: datetime) -> None:
        mine = Holder(self.name, self.host, os.getpid(), until.timestamp())
        self.store.add([SourceState("lease", self.group, json.dumps(asdict(mine)))])
