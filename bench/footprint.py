"""What the service and an exporter take while nothing happens, how soon the page answers; and G15, by faults."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Goal

if TYPE_CHECKING:
    from collections.abc import Iterator

REST_S = 60.0
"""A whole minute: alerts are looked at once in it."""
_SUM = re.compile(r"1 seeds, (\d+) kills, (\d+) faults, ([\d,]+) rows: (\d+) lost, (\d+) doubled, (\d+) seeds wrong")
CHAOS = Path(__file__).parents[1] / "tests" / "chaos" / "run.py"


def goals() -> Iterator[Goal]:
    """Start the service on an empty store, and an exporter that has nothing to read; let both rest."""
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        begun = time.perf_counter()
        service = _breakeven(folder, "breakeven.cli", "--store", "store", "run", "--listen", f"127.0.0.1:{port}")
        try:
            while not _answers(port):
                time.sleep(0.02)
            start = time.perf_counter() - begun
            time.sleep(20)  # the first run of each job
            parts = {"service": [service.pid], "store": _children(service.pid)}
            cpu, memory = _rest(parts)
        finally:
            service.terminate()
            service.wait(60)
        yield _most("F1", "start of the service to its first page, empty store", start, "s", 5)
        yield _most("G16", "resident memory of the store process at rest", memory["store"], "MB", 400)
        yield _most("F2", "resident memory of the service beside it, at rest", memory["service"], "MB", 250)
        yield _most("F3", "CPU of both at rest, percent of a core", 100 * (cpu["service"] + cpu["store"]), "%", 5)
        words = ("exporters.cli", "inference", "http://127.0.0.1:9/metrics", "--endpoint", "http://127.0.0.1:9",
                 "--spool", "spool.db")  # fmt: skip
        exporter = _breakeven(folder, *words)
        try:
            time.sleep(3)
            cpu, memory = _rest({"exporter": [exporter.pid]})
        finally:
            exporter.terminate()
            exporter.wait(60)
        yield _most("F4", "resident memory of an exporter", memory["exporter"], "MB", 100)
        yield _most("F5", "CPU of an exporter, percent of a core", 100 * cpu["exporter"], "%", 1)


def _most(name: str, what: str, value: float, unit: str, most: float) -> Goal:
    return Goal(name, what, f"{value:.3g} {unit}", "–", value, most, least=False)


def faults() -> Iterator[Goal]:
    """G15: one seed of the chaos suite."""
    done = subprocess.run([sys.executable, CHAOS, "--seeds", "1"], capture_output=True, text=True, check=False)
    told = done.stdout.splitlines()[-1] if done.stdout else ""
    found = re.match(
        r"1 seeds, (\d+) kills, (\d+) faults, ([\d,]+) rows: (\d+) lost, (\d+) doubled, (\d+) seeds wrong", told
    )
    what = "kills and faults: acknowledged rows lost, counted twice, or rollups beside them"
    if found is None:
        yield Goal("G15", what, "–", "–", None, 0, least=False, note=done.stderr[-200:])
        return
    kills, troubles, rows, lost, doubled, wrong = found.groups()
    yield Goal("G15", what, f"{lost}, {doubled}, {wrong}", f"{kills} kills, {troubles} faults, {rows} rows",
               int(lost) + int(doubled) + int(wrong), 0, least=False)  # fmt: skip


def _breakeven(folder: str, module: str, *words: str) -> subprocess.Popen[bytes]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BREAKEVEN")}
    code = f"from {module} import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=folder, env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _rest(parts: dict[str, list[int]]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the share of a core and the resident MB of some processes over a while."""
    before = {name: sum(map(_cpu, pids)) for name, pids in parts.items()}
    time.sleep(REST_S)
    cpu = {name: (sum(map(_cpu, pids)) - before[name]) / REST_S for name, pids in parts.items()}
    return cpu, {name: sum(map(_resident, pids)) for name, pids in parts.items()}


def _children(pid: int) -> list[int]:
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    threads = [path.read_text("ascii").split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return sorted({int(one) for one in (*told, *(p for pids in threads for p in pids))})


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
