"""From the receivers into the ledger: many requests of senders in one batch, each answered once it is kept."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.intake import Intake
from collector.receivers import traces
from collector.receivers.piece import Piece
from collector.receivers.segments import Segments, records
from ledger.errors import BadRow, BreakevenError, StoreRefused, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from collector.attribution import Attribution
    from ledger.prices.register import PriceRegister
    from ledger.store import Store

log = logging.getLogger("breakeven.receivers")
GATHER_S = 1.0
"""How long records gather on disk before they are loaded: an insert costs the same for one and for thousands."""
HOLD_S = 0.1
"""The same where there is no disk, and senders wait for the insert."""
MOST_ROWS = 20_000
"""Of one batch, about."""
ADOPT_S = 10.0
_LONGEST_PAUSE_S = 30.0
RECEIVED = ("otlp", "litellm", "requests_log")
"""Sources that push requests."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where records wait: a folder (None: in memory, and senders wait for the insert), at most so many bytes."""

    folder: Path | None = None
    limit: int = 4 << 30


class Loader:
    """Stores pieces in the order in which they came. Not started, it stores each at once.

    `repeats`: how many rows by source were told before, or tell what another row tells; `refused`: pieces that no store
    takes.
    """

    def __init__(
        self, store: Store, prices: PriceRegister, attribution: Attribution, place: Place | None = None
    ) -> None:
        self.store, self.prices, self.attribution = store, prices, attribution
        self.place = place or Place()
        self.repeats: Counter[str] = Counter()
        self.refused = 0
        self._segments: Segments | None = None
        self._held: list[tuple[Piece, Future[None]]] = []
        self._guard, self._filled, self._stop = threading.Lock(), threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to gather; what an earlier run has left is loaded first."""
        self._look()
        self._stop.clear()
        self._filled.set()
        self._thread = threading.Thread(target=self._run, name="loader", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Load what waits and end; what cannot be loaded stays on disk for the next start."""
        if self._thread is None:
            return
        self._stop.set()
        self._filled.set()
        self._thread.join()
        self._thread = None
        if self._segments is not None:
            self._segments.close()
            self._segments = None

    def put(self, piece: Piece) -> Future[None]:
        """Take a piece; the result comes when it is kept. Raises StoreUnavailable, SpoolFull, StoreRefused."""
        if self._segments is not None:
            done = self._segments.put(piece.packed())
        elif self._thread is not None:
            done = Future()
            with self._guard:
                self._held.append((piece, done))
        else:
            self.load([piece])
            done = Future()
            done.set_result(None)
            return done
        self._filled.set()
        return done

    def load(self, pieces: Iterable[Piece]) -> None:
        """Store pieces now; loaded again, they change nothing."""
        groups: dict[tuple[str, str], list[Piece]] = defaultdict(list)
        for piece in pieces:
            groups[piece.source, piece.origin].append(piece)
        for (source, origin), told in groups.items():
            intake = Intake(self.store, self.prices, self.attribution, origin, told[-1].at, numbered=True)
            repeats = traces.store(told, intake)
            for piece in told:
                for line, name, reason in piece.bad:
                    intake.refuse(line, BadRow(name, reason), source, piece.at)
            self.repeats[source] += repeats + intake.finish().duplicate

    def _look(self) -> None:
        """Open the spool, or take over what others have left; until it opens, senders wait for the insert."""
        try:
            if self._segments is not None:
                self._segments.adopt()
            elif self.place.folder is not None:
                self._segments = Segments(self.place.folder, self.place.limit)
                self._segments.adopt()
        except OSError as error:
            log.warning("the receive spool %s: %s; senders wait for the insert", self.place.folder, error.strerror)

    def _run(self) -> None:
        pause, looked = 0.0, time.monotonic()
        while not self._stop.is_set():
            self._filled.wait(ADOPT_S)
            if self._filled.is_set():
                self._filled.clear()
                self._stop.wait(pause or (GATHER_S if self._segments is not None else HOLD_S))
            if time.monotonic() - looked > ADOPT_S:
                looked = time.monotonic()
                self._look()
            pause = self._tried(pause)
        self._tried(0.0)

    def _tried(self, pause: float) -> float:
        """Load all that waits; return 0, or the seconds to wait before it is tried again."""
        try:
            self._in_memory()
            if self._segments is not None:
                self._on_disk(self._segments)
        except (BreakevenError, OSError) as error:
            log.warning("what senders told waits: %s", error)
            self._filled.set()
            return min(_LONGEST_PAUSE_S, 2 * pause or 1.0)
        return 0.0

    def _on_disk(self, segments: Segments) -> None:
        waiting: list[Path] = []
        pieces: list[Piece] = []
        for path in segments.closed():
            found, broken = self._read(path)
            if broken:
                log.warning("%s was spoiled, or cut short by a kill; what could be read of it is loaded", path.name)
                self._loaded(found)
                segments.aside(path)
                continue
            pieces += found
            waiting.append(path)
            if sum(map(len, pieces)) >= MOST_ROWS:
                self._settle(segments, waiting, pieces)
        self._settle(segments, waiting, pieces)

    def _settle(self, segments: Segments, waiting: list[Path], pieces: list[Piece]) -> None:
        """Load pieces and forget their files."""
        self._loaded(pieces)
        for path in waiting:
            segments.drop(path)
        waiting.clear()
        pieces.clear()

    @staticmethod
    def _read(path: Path) -> tuple[list[Piece], bool]:
        found, broken = records(path)
        pieces = []
        for record in found:
            try:
                pieces.append(Piece.unpacked(record))
            except (ValueError, TypeError, KeyError):
                broken = True
        return pieces, broken

    def _loaded(self, pieces: list[Piece]) -> None:
        """Load pieces; of those that cannot be stored together each by itself, so that one blocks no other."""
        try:
            self.load(pieces)
        except (StoreUnavailable, OSError):
            raise
        except Exception as error:  # whatever it is, a fault of ours too: the next request must not wait for it
            if len(pieces) > 1:
                for piece in pieces:
                    self._loaded([piece])
                return
            log.exception("what a sender told cannot be stored, and is put aside: %s", type(error).__name__)
            self.refused += len(pieces)
            if self._segments is not None:
                for piece in pieces:
                    self._segments.keep(piece.packed())

    def _in_memory(self) -> None:
        with self._guard:
            held, self._held = self._held, []
        if not held:
            return
        try:
            self.load([piece for piece, _ in held])
        except (StoreUnavailable, OSError) as error:
            told = error if isinstance(error, StoreUnavailable) else StoreUnavailable(str(error))
            for _, done in held:  # nothing is kept here: senders send again
                done.set_exception(told)
        except Exception:  # noqa: BLE001 - of one of them: the others must not wait for it
            for piece, done in held:
                self._alone(piece, done)
        else:
            for _, done in held:
                done.set_result(None)

    def _alone(self, piece: Piece, done: Future[None]) -> None:
        try:
            self.load([piece])
        except BreakevenError as error:
            done.set_exception(error)
        except Exception as error:
            log.exception("what a sender told cannot be stored")
            done.set_exception(StoreRefused(f"a fault of ours: {type(error).__name__}"))
        else:
            done.set_result(None)
