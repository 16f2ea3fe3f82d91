"""Start or join the store process of a folder."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import random
import secrets
import socket
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.errors import ConfigError, StoreUnavailable

_MEMORY_BYTES = 1 << 30
_START_S = 60.0
MOST_DEATHS, DEATHS_S = 5, 600.0
"""So many deaths in so many seconds, and it is left alone."""
_GOING_S = 60.0
"""How long a store of a killed command may take to end its last statement on a busy machine."""


@dataclass(slots=True)
class StoreProcess:
    """A running store process: where it listens, its two tokens of this start, and whether it is ours."""

    port: int
    pid: int
    writer: str
    reader: str
    confined: bool
    child: subprocess.Popen[str] | None = None

    def alive(self) -> bool:
        """Say whether it answers: a store that is going down still has its socket."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as peer:
                peer.sendall(b"GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                return peer.recv(12) == b"HTTP/1.1 200"
        except OSError:
            return False

    def close(self) -> None:
        """End it if we started it: end of its life line, then wait."""
        if self.child is None or self.child.stdin is None:
            return
        self.child.stdin.close()
        try:
            self.child.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        for pipe in (self.child.stdout, self.child.stderr):
            if pipe is not None:
                pipe.close()
        self.child = None


class Deaths:
    """How often the store died under this program: it is started again, a little later each time, but not for ever."""

    def __init__(self) -> None:
        self._when: deque[float] = deque(maxlen=MOST_DEATHS)

    def note(self, process: StoreProcess) -> None:
        """Take note that a process does not answer; one that another program had started may have ended in peace."""
        if process.child is not None and process.child.poll() not in (None, 0):
            self._when.append(time.monotonic())

    def wait(self, folder: Path) -> None:
        """Wait before the next start; raises StoreUnavailable, with its last words, after too many deaths."""
        while self._when and time.monotonic() - self._when[0] > DEATHS_S:
            self._when.popleft()
        if len(self._when) == MOST_DEATHS:
            again = DEATHS_S - (time.monotonic() - self._when[0])
            raise StoreUnavailable(
                f"the store process died {MOST_DEATHS} times in ten minutes; it is started again in {again:.0f} s, or "
                f"with breakeven. Its last words: {_last_words(folder) or 'none'}"
            )
        if self._when:
            time.sleep(min(30.0, 0.1 * 2.0 ** len(self._when)) * random.uniform(0.5, 1.0))  # noqa: S311 - no secret


def start_or_join(folder: Path, *, http: str = "", reader_password: str = "") -> StoreProcess:
    """Return the store process of a folder, starting it if none answers.

    `http` fixes host:port for Grafana (loopback; a free port otherwise). Raises StoreUnavailable with
    what to do when the folder belongs to another program.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "start.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        deadline = time.monotonic() + _GOING_S
        while True:
            found = _running(folder)
            if found:
                return found
            try:
                return _start(folder, http, reader_password)
            except StoreUnavailable:
                if time.monotonic() > deadline or not _is_ours(_owner_facts(folder).get("PID", "")):
                    raise
                time.sleep(0.5)  # the store of a command that was killed ends what it was doing first


def _is_ours(pid: str) -> bool:
    """Say whether a process is a store process of breakeven."""
    try:
        return b"ledger.embedded" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _running(folder: Path) -> StoreProcess | None:
    try:
        note: dict[str, Any] = json.loads((folder / "store.json").read_text("utf-8"))
        found = StoreProcess(note["port"], note["pid"], note["writer"], note["reader"], note["confined"])
        os.kill(found.pid, 0)
    except (OSError, ValueError, KeyError):
        return None
    return found if found.alive() else None


def _listening(http: str, *, protected: bool) -> tuple[str, int]:
    """Return host and port to listen at, a free port on loopback for none; raises ConfigError."""
    if not http:
        return "127.0.0.1", 0
    host, _, port = http.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise ConfigError(f"store.http {http!r}: write HOST:PORT, such as 127.0.0.1:8123")
    if host not in ("127.0.0.1", "localhost") and not protected:
        raise ConfigError(
            f"store.http {http}: others could reach it; set store.reader_password, or listen on 127.0.0.1"
        )
    return host, int(port)


def _start(folder: Path, http: str, reader_password: str) -> StoreProcess:
    scratch = folder / "tmp"
    scratch.mkdir(exist_ok=True)
    writer, reader = secrets.token_urlsafe(32), reader_password or secrets.token_urlsafe(32)
    host, port = _listening(http, protected=bool(reader_password))
    # -I: no PYTHONPATH, no working folder. The environment is empty but for these: a query that got past
    # every other wall could read it, and the engine takes its zone from TZ.
    with (folder / "store.log").open("w") as log:
        child = subprocess.Popen(
            [sys.executable, "-I", "-m", "ledger.embedded"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
            close_fds=True,
            env={"TZ": "UTC", "LC_ALL": "C.UTF-8", "TMPDIR": str(scratch)},
        )
    assert child.stdin is not None
    assert child.stdout is not None
    settings = {
        "folder": str(folder),
        "host": host,
        "port": port,
        "memory_bytes": _MEMORY_BYTES,
        "writer_sha256": hashlib.sha256(writer.encode()).hexdigest(),
        "reader_sha256": hashlib.sha256(reader.encode()).hexdigest(),
    }
    try:
        child.stdin.write(json.dumps(settings) + "\n")
        child.stdin.flush()
    except BrokenPipeError:
        raise StoreUnavailable(_why(folder, "")) from None
    line = child.stdout.readline()
    answer: dict[str, Any] = json.loads(line) if line.startswith("{") else {"error": line}
    if "error" in answer:
        child.wait(timeout=_START_S)
        child.stdin.close()
        child.stdout.close()
        raise StoreUnavailable(_why(folder, str(answer["error"])))
    process = StoreProcess(answer["port"], answer["pid"], writer, reader, bool(answer["confined"]), child)
    note = folder / "store.json.new"
    note.touch(mode=0o600)
    note.write_text(
        json.dumps(
            {
                "port": process.port,
                "pid": process.pid,
                "writer": writer,
                "reader": reader,
                "confined": process.confined,
                "started": int(time.time()),
            }
        ),
        "utf-8",
    )
    note.replace(folder / "store.json")
    return process


def _why(folder: Path, text: str) -> str:
    """Return what a person can do about a store that did not start."""
    tail = _last_words(folder)
    if "Cannot lock file" in text + tail:
        return (
            f"store folder {folder} is used by {_owner(folder)}, which is not a breakeven store that answers. "
            "Stop it or choose another folder"
        )
    return f"the store process of {folder} did not start: {f'{text.strip()} | {tail}'.strip(' |')}"


def _last_words(folder: Path) -> str:
    log = folder / "store.log"
    return " | ".join(log.read_text("utf-8", "replace").strip().splitlines()[-3:]) if log.exists() else ""


def _owner(folder: Path) -> str:
    facts = _owner_facts(folder)
    return f"process {facts['PID']} (since {facts.get('Started at', '?')} UTC)" if "PID" in facts else "another process"


def _owner_facts(folder: Path) -> dict[str, str]:
    """Return what the engine wrote of the process that holds a folder."""
    try:
        status = (folder / "engine" / "status").read_text("utf-8").splitlines()
    except OSError:
        return {}
    return dict(line.split(": ", 1) for line in status if ": " in line)
