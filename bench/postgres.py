"""A PostgreSQL 15 of its own with LiteLLM's SpendLogs, for as long as a measurement takes."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BIN = Path("/usr/lib/postgresql/15/bin")
SPEND_LOGS = Path(__file__).with_name("spend_logs.sql")


def missing() -> str:
    """Say what is not installed, or nothing."""
    return "" if (BIN / "initdb").exists() and shutil.which("setpriv") else "postgresql-15 is not installed"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster; its folder is readable by its own user."""

    folder: Path

    def psql(self, *words: str | Path, stdin: bytes | None = None) -> str:
        """Run psql with some arguments; return what it printed."""
        base = [
            BIN / "psql",
            "-X",
            "-q",
            "-h",
            self.folder,
            "-U",
            "postgres",
            "-d",
            "postgres",
            "-v",
            "ON_ERROR_STOP=1",
        ]
        done = subprocess.run([*base, *words], check=True, cwd=self.folder, input=stdin, stdout=subprocess.PIPE)
        return done.stdout.decode()

    def seconds(self, script: str) -> float:
        """Return how long a script takes, its parsing by psql included."""
        path = self.folder / "script.sql"
        path.write_text(script)
        begun = time.perf_counter()
        self.psql("-f", path)
        return time.perf_counter() - begun


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Make a cluster whose writes are synced, tuned as its users would, with the table; remove it at the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.chown(folder, "postgres", "postgres")
        folder.chmod(0o755)
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        options = (
            f"-c unix_socket_directories={folder} -c listen_addresses= -c shared_buffers=4GB -c work_mem=64MB "
            "-c max_wal_size=4GB"
        )
        data = folder / "data"
        _run(folder, *as_user, BIN / "initdb", "-D", data, "-A", "trust")
        _run(folder, *as_user, BIN / "pg_ctl", "-D", data, "-w", "-o", options, "start")
        try:
            found = Cluster(folder)
            found.psql("-f", SPEND_LOGS)
            yield found
        finally:
            _run(folder, *as_user, BIN / "pg_ctl", "-D", data, "-w", "-m", "fast", "stop")


def _run(folder: Path, *words: str | Path) -> None:
    subprocess.run(words, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
