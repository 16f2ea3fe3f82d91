"""The receive spool: what senders were told is kept, in files that only grow, until the ledger has it.

A record is its length, its CRC32 and its bytes. One that a kill cut short was never acknowledged, one that the disk
spoiled is skipped; their file is put aside when the rest is stored. Each process writes into a folder of its own; what
a dead one left is adopted.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import struct
import threading
import time
import zlib
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.errors import SpoolFull, StoreUnavailable

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger("breakeven.receivers")
SEGMENT = 8 << 20
"""Most bytes of a file: it takes ten times its size in memory while it is loaded."""
_HEAD = struct.Struct(">II")
_END = ".seg"
_BROKEN = ".broken"
KEPT_BROKEN = 16
"""Spoiled files, and records that no store takes, that are kept for a person to look at; beyond it the oldest go."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How much waits, since when (seconds), and how many files were spoiled."""

    bytes: int
    oldest_s: float
    broken: int


class Segments:
    """Records on disk; `put` ends when they are durable, `closed` gives files that no longer change, oldest first."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._name = f"{time.time_ns():020d}-{os.getpid()}"
        self._own = folder / self._name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = (folder / f"{self._name}.lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)  # before the folder is there: who sees it free may adopt it
        try:
            self._own.mkdir(mode=0o700)
        except OSError:
            self._lock.close()
            (folder / f"{self._name}.lock").unlink(missing_ok=True)
            raise
        self._guard = threading.RLock()
        self._dirty, self._stop = threading.Event(), threading.Event()
        self._file, self._size, self._number, self._held = -1, 0, 0, 0
        self._waiting: list[Future[None]] = []
        self._syncer = threading.Thread(target=self._sync_all, name="receive-spool", daemon=True)
        self._syncer.start()

    def put(self, data: bytes) -> Future[None]:
        """Append a record; the result comes when it is on the disk. Raises SpoolFull, StoreUnavailable (disk full)."""
        done: Future[None] = Future()
        record = _HEAD.pack(len(data), zlib.crc32(data)) + data
        with self._guard:
            if self._held + len(record) > self.limit:
                raise SpoolFull(f"more than {self.limit >> 20} MiB wait to be stored")
            if self._size >= SEGMENT:
                self._close()
            try:
                if self._file < 0:
                    self._open()
                _write(self._file, record)
            except OSError as error:
                self._cut()
                raise StoreUnavailable(f"the receive spool cannot be written: {error.strerror}") from error
            self._size += len(record)
            self._held += len(record)
            self._waiting.append(done)
        self._dirty.set()
        return done

    def closed(self) -> list[Path]:
        """Close the file that is being written, also an empty one; return all that wait to be loaded.

        None of them is open any more: what is written into a file that is dropped would be lost.
        """
        with self._guard:
            self._close()
            return sorted(path for path in self._own.iterdir() if path.suffix == _END)

    def drop(self, path: Path) -> None:
        """Forget a file whose records are stored."""
        with self._guard:
            self._held -= min(self._held, path.stat().st_size)
            path.unlink()

    def aside(self, path: Path) -> None:
        """Keep a spoiled file for a person to look at."""
        with self._guard:
            self._held -= min(self._held, path.stat().st_size)
            path.rename(self.folder / (path.name + _BROKEN))
            self._forget_old()

    def keep(self, data: bytes) -> None:
        """Keep a record that no store takes for a person to look at."""
        with self._guard:
            self._number += 1
            path = self.folder / f"{self._name}-{self._number:08d}{_END}{_BROKEN}"
            path.touch(mode=0o600)
            path.write_bytes(_HEAD.pack(len(data), zlib.crc32(data)) + data)
            self._forget_old()

    def _forget_old(self) -> None:
        for old in sorted(self.folder.glob(f"*{_BROKEN}"))[:-KEPT_BROKEN]:
            old.unlink()

    def adopt(self) -> int:
        """Take over what processes that are gone have left; return how many files."""
        found = 0
        for folder in sorted(path for path in self.folder.iterdir() if path.is_dir() and path != self._own):
            lock = folder.with_name(folder.name + ".lock")
            with lock.open("a") as held:
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    continue
                with self._guard:
                    for path in sorted(folder.glob(f"*{_END}")):
                        self._held += path.stat().st_size
                        path.rename(self._own / path.name)
                        found += 1
                with contextlib.suppress(OSError):
                    folder.rmdir()
                    lock.unlink(missing_ok=True)
        return found

    def close(self) -> None:
        """Sync and stop; the folder goes if nothing waits in it."""
        self._stop.set()
        self._dirty.set()
        self._syncer.join()
        with self._guard:
            self._close()
            with contextlib.suppress(OSError):
                self._own.rmdir()
                (self.folder / f"{self._name}.lock").unlink(missing_ok=True)
        self._lock.close()

    def _open(self) -> None:
        self._number += 1
        path = self._own / f"{self._name}-{self._number:08d}{_END}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._size = 0
        here = os.open(self._own, os.O_RDONLY)
        try:
            os.fsync(here)  # the name of the file must survive too
        finally:
            os.close(here)

    def _close(self) -> None:
        """Sync and close the current file, under the guard."""
        if self._file < 0:
            return
        waiting, self._waiting = self._waiting, []
        _finish(self._file, waiting)
        os.close(self._file)
        self._file, self._size = -1, 0

    def _cut(self) -> None:
        """Take half a record off the end; a file that cannot be cut is left to the reader, which stops there."""
        if self._file < 0:
            return
        try:
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, self._size, os.SEEK_SET)
        except OSError:
            self._close()

    def _sync_all(self) -> None:
        """Sync for all that wait at once: while one sync runs, more gather for the next."""
        while not self._stop.is_set():
            self._dirty.wait()
            self._dirty.clear()
            with self._guard:
                if self._file < 0 or not self._waiting:
                    continue
                waiting, self._waiting = self._waiting, []
                file = os.dup(self._file)
            if not _finish(file, waiting):
                with self._guard:
                    self._close()  # what a failed sync has lost is not known: nothing more goes into this file
            os.close(file)


def standing(folder: Path) -> Standing:
    """Return how a spool stands, whoever writes to it."""
    now, held, oldest, broken = time.time(), 0, 0.0, 0
    for path in folder.rglob(f"*{_END}*") if folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):
            found = path.stat()
            if path.suffix == _BROKEN:
                broken += 1
            elif found.st_size:
                held += found.st_size
                oldest = max(oldest, now - found.st_mtime)
    return Standing(held, oldest, broken)


def records(path: Path) -> tuple[list[bytes], bool]:
    """Return the records of a file, and whether something in it is none: spoiled, or cut short by a kill."""
    data = path.read_bytes()
    found: list[bytes] = []
    at, whole = 0, True
    while at + _HEAD.size <= len(data):
        length, crc = _HEAD.unpack_from(data, at)
        record = data[at + _HEAD.size : at + _HEAD.size + length]
        if len(record) < length:
            break
        if zlib.crc32(record) == crc:
            found.append(record)
        else:
            whole = False
        at += _HEAD.size + length
    return found, not whole or at < len(data)


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _finish(file: int, waiting: list[Future[None]]) -> bool:
    """Sync a file and tell those who wait."""
    try:
        os.fsync(file)
    except OSError as error:
        for one in waiting:
            one.set_exception(StoreUnavailable(f"the receive spool cannot be synced: {error.strerror}"))
        return False
    for one in waiting:
        one.set_result(None)
    return True
