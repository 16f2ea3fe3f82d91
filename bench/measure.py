"""What benchmarks share: seconds and CPU of a step, one line a goal, a store of its own."""

from __future__ import annotations

import os
import statistics
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ledger.store import Store

PEERS = os.environ.get("BENCH_PEERS", sys.executable)
"""A Python with duckdb and litellm: `python -m venv peers && peers/bin/pip install duckdb litellm`."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One measurement beside its peer or limit; `ratio` is what the goal is about, `least` how it is to be read."""

    name: str
    what: str
    ours: str
    peer: str
    ratio: float | None
    target: float
    least: bool = True
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there was nothing to compare with."""
        if self.ratio is None:
            return None
        return self.ratio >= self.target if self.least else self.ratio <= self.target

    def __str__(self) -> str:
        state = {True: "ok", False: "missed", None: "skipped"}[self.met]
        ratio = "–" if self.ratio is None else f"{self.ratio:.3g}"
        sign = "≥" if self.least else "≤"
        note = f"  {self.note}" if self.note else ""
        sides = f"ours {self.ours:>20}  peer {self.peer:>20}"
        return f"{self.name:4} {self.what:64} {sides}  {ratio:>7} {sign} {self.target:g}  {state}{note}"

    def json(self) -> dict[str, Any]:
        """Return it for the history file."""
        return {**asdict(self), "met": self.met}


@dataclass(slots=True)
class Spent:
    """Wall and CPU seconds of a step: this process and the store's."""

    wall: float = 0.0
    cpu: float = 0.0


def engine_cpu(store: Store) -> float:
    """Return CPU seconds of the store process so far."""
    return _times(_pid(store))


def resident_mb(store: Store) -> float:
    """Return the resident memory of the store process, MB."""
    with open(f"/proc/{_pid(store)}/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _pid(store: Store) -> int:
    process = store._process  # noqa: SLF001 - whose CPU is asked for
    assert process is not None
    assert process.child is not None
    return process.child.pid


def _times(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def spent(store: Store) -> Iterator[Spent]:
    """Measure a step."""
    out, wall, own, engine = Spent(), time.perf_counter(), time.process_time(), engine_cpu(store)
    yield out
    out.wall = time.perf_counter() - wall
    out.cpu = time.process_time() - own + engine_cpu(store) - engine


def median(rounds: int, step: Callable[[int], Spent]) -> Spent:
    """Return the median of some rounds of a step, wall and CPU apart."""
    found = [step(number) for number in range(rounds)]
    return Spent(statistics.median(s.wall for s in found), statistics.median(s.cpu for s in found))


def rate(count: float, seconds: float) -> str:
    """Return a rate for people."""
    return f"{count / seconds:,.0f}/s" if seconds else "–"
