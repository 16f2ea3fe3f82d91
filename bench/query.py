"""G8 to G10: dashboard questions from rollups, beside the same from requests, from PostgreSQL and from DuckDB."""

from __future__ import annotations

import json
import math
import re
import statistics
import subprocess
import tempfile
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import postgres
from bench.measure import PEERS, Goal
from dashboards import page, panel
from ledger.sqlfile import sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from ledger.store import Store

QUESTIONS = ("days", "teams", "hours", "failures", "slow", "top")
PACKAGE = "bench.questions"
ROUNDS = 3
MOST_ROWS = 5_000_000
"""That peers are filled with."""
BUDGET_S = {30: 0.12, 90: 0.4}
"""Most seconds for any panel over so many days, HTTP and Python included."""


def goals(store: Store, now: datetime) -> Iterator[Goal]:
    """Ask the same questions of everybody; answers are held against each other."""
    span = {"from": now - timedelta(days=30), "to": now}
    ours, raw = _ours(store, "rollup", span), _ours(store, "raw", span)
    _check(ours[1], raw[1])
    rows = store.ask("bench", "size")[0]["rows"]
    yield Goal("G8", f"six questions over {rows:,} requests: from rollups, beside from requests",
               _ms(ours[0]), _ms(raw[0]), _ratio(raw[0], ours[0]), 10,
               note=f"geometric mean; {_each(raw[0], ours[0])}")  # fmt: skip
    yield from _panels(store, now)
    if rows <= MOST_ROWS:
        yield from _spend_logs(store, now, ours, span)
        yield from _duckdb(store, now, ours, span)


def _ours(store: Store, kind: str, span: dict[str, Any]) -> tuple[dict[str, float], dict[str, Any]]:
    took: dict[str, float] = {}
    said: dict[str, Any] = {}
    for name in QUESTIONS:
        seconds = []
        for _ in range(ROUNDS + 1):
            begun = time.perf_counter()
            rows = store.ask(PACKAGE, f"{name}_{kind}", **span)
            seconds.append(time.perf_counter() - begun)
        took[name], said[name] = statistics.median(seconds[1:]), [list(row.values()) for row in rows]
    return took, said


def _check(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Answers must be equal: money to a millionth (peers may add in floats), percentiles within a bucket."""
    for name in QUESTIONS:
        assert len(ours[name]) == len(theirs[name]), name
        near = 0.05 if name == "slow" else 1e-9
        for one, other in zip(ours[name], theirs[name], strict=True):
            for a, b in zip(one, other, strict=True):
                if isinstance(a, (int, float, Decimal)):
                    assert math.isclose(float(a), float(b), rel_tol=near), (name, one, other)


def _panels(store: Store, now: datetime) -> Iterator[Goal]:
    """Ask every panel for 30 and 90 days, warm."""
    for days, budget in BUDGET_S.items():
        took = {}
        for name in panel.NAMES:
            for key, one in panel.dashboard(name).panels.items():
                if one.draw == "text":
                    continue
                seconds = []
                for _ in range(2):
                    begun = time.perf_counter()
                    page.answer(store, name, key, start=now - timedelta(days=days), end=now, as_of=now)
                    seconds.append(time.perf_counter() - begun)
                took[f"{name}/{key}"] = min(seconds)
        slowest = sorted(took, key=lambda n: -took[n])[:3]
        over = sum(seconds > budget for seconds in took.values())
        yield Goal("G8", f"slowest of {len(took)} panels over {days} days, of its budget",
                   f"{took[slowest[0]] * 1000:.0f} ms", f"{budget * 1000:.0f} ms",
                   took[slowest[0]] / budget, 1, least=False,
                   note=f"{over} over it; " + ", ".join(f"{n} {took[n] * 1000:.0f} ms" for n in slowest))  # fmt: skip


def _spend_logs(
    store: Store, now: datetime, ours: tuple[dict[str, float], Any], span: dict[str, Any]
) -> Iterator[Goal]:
    what = "the same questions of LiteLLM's SpendLogs, PostgreSQL 15, warm"
    if postgres.missing():
        yield Goal("G9", what, _ms(ours[0]), "–", None, 50, note=postgres.missing())
        return
    with postgres.cluster() as found:
        fill = Path(__file__).with_name("questions") / "spend_logs_fill.sql"
        for start in _slices(now):
            rows = store.fetch(PACKAGE, "export", "CSV", **{"from": start, "to": start + _SLICE})
            found.psql("-f", fill, stdin=rows)
        found.psql("-f", fill.with_name("spend_logs_view.sql"))
        found.psql("-c", "VACUUM ANALYZE")
        given = [word for name, at in span.items() for word in ("-v", f"{name}={at:%Y-%m-%d %H:%M:%S}")]
        took, said = {}, {}
        for name in QUESTIONS:
            path = found.folder / f"{name}.sql"
            text = sql(PACKAGE, f"{name}_peer")
            path.write_text("\\timing on\n" + f"{text};\n" * (ROUNDS + 1))
            told = found.psql(*given, "-f", path, "--csv")
            seconds = [float(ms) / 1000 for ms in re.findall(r"^Time: ([\d.]+) ms", told, re.MULTILINE)]
            took[name] = statistics.median(seconds[1:])
            first = told.split("Time:")[0].strip().splitlines()[1:]
            said[name] = [[_number(cell) for cell in line.split(",")] for line in first]
    _check(ours[1], said)
    yield Goal("G9", what, _ms(ours[0]), _ms(took), _ratio(took, ours[0]), 50,
               note=f"geometric mean; {_each(took, ours[0])}")  # fmt: skip


def _duckdb(store: Store, now: datetime, ours: tuple[dict[str, float], Any], span: dict[str, Any]) -> Iterator[Goal]:
    what = "the same questions of DuckDB on its own table of requests"
    with tempfile.TemporaryDirectory() as folder:
        for number, start in enumerate(_slices(now)):
            rows = store.fetch(PACKAGE, "export", "Parquet", **{"from": start, "to": start + _SLICE})
            (Path(folder) / f"{number}.parquet").write_bytes(rows)
        questions = {name: sql(PACKAGE, f"{name}_peer") for name in QUESTIONS}
        for name, text in questions.items():
            for place, at in span.items():
                text = text.replace(f":'{place}'", f"'{at:%Y-%m-%d %H:%M:%S}'")  # noqa: PLW2901
            questions[name] = text
        asked = json.dumps({"folder": folder, "questions": questions, "rounds": ROUNDS})
        peer = Path(__file__).with_name("peer_duckdb.py")
        done = subprocess.run([PEERS, peer], input=asked, capture_output=True, text=True, check=False)
    if done.returncode:
        yield Goal(
            "G10",
            what,
            _ms(ours[0]),
            "–",
            None,
            2,
            note=(done.stderr.strip() or "no answer")[-300:] + "; see BENCH_PEERS in bench/measure.py",
        )
        return
    found = json.loads(done.stdout)
    _check(ours[1], found["answers"])
    yield Goal("G10", what, _ms(ours[0]), _ms(found["seconds"]), _ratio(found["seconds"], ours[0]), 2,
               note=f"geometric mean; duckdb {found['version']}; {_each(found['seconds'], ours[0])}")  # fmt: skip


_SLICE = timedelta(days=10)


def _slices(now: datetime) -> list[datetime]:
    return [now - timedelta(days=90) + n * _SLICE for n in range(9)]


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _ratio(theirs: dict[str, float], ours: dict[str, float]) -> float:
    return math.exp(statistics.mean(math.log(theirs[name] / ours[name]) for name in QUESTIONS))


def _ms(took: dict[str, float]) -> str:
    return f"{math.exp(statistics.mean(math.log(s) for s in took.values())) * 1000:.0f} ms"


def _each(theirs: dict[str, float], ours: dict[str, float]) -> str:
    return ", ".join(f"{name} {theirs[name] / ours[name]:.1f}" for name in QUESTIONS)
