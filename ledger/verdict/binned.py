"""Load of workloads on own deployments in bins, by day and by hour of the week: read from the ledger."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.verdict.load import Load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future, ThreadPoolExecutor
    from datetime import date, datetime

    from ledger.costing.declared import Declared
    from ledger.records import Deployment
    from ledger.store import Store
    from ledger.verdict.history import History

_PACKAGE = "ledger.verdict"
DAY_S = 86_400
BUCKET_S = 10
_CHUNK = timedelta(days=2)
AT_ONCE = 2
"""Questions about load that the engine gets at once: one alone leaves a core idle."""


class _Binned(NamedTuple):
    """How many buckets of a workload's day on a deployment lie in one bin, the sum of their loads, and the highest."""

    key: tuple[str, str, date]
    bin: int
    buckets: float
    total: float
    peak: float


@dataclass(frozen=True, slots=True)
class _Asked:
    """Load that was asked for: (workload, deployment) pairs, the width of a bucket, and the answers to come."""

    pairs: list[tuple[History, Deployment]]
    width: int
    answers: list[Future[list[_Binned]]]


def ask_loads(
    store: Store,
    declared: Declared,
    out: dict[str, History],
    span: dict[str, datetime],
    widths: Mapping[str, int],
    pool: ThreadPoolExecutor,
) -> list[_Asked]:
    """Ask for the load of every workload on its own deployments, a few days at a time: all would not fit in memory."""
    asked = []
    for width in sorted({widths.get(name, BUCKET_S) for name in out}):
        part = [history for name, history in out.items() if widths.get(name, BUCKET_S) == width]
        pairs = [
            (h, d) for h in part for d in declared.own
            if d.name in h.workload.deployments and (d.s_per_uncached > 0 or d.s_per_output > 0)
        ]  # fmt: skip
        answers, at = [], span["from"]
        while pairs and at < span["to"]:
            until = min(at + _CHUNK, span["to"])
            answers.append(pool.submit(_binned, store, pairs, {"from": at, "to": until}, width))
            at = until
        asked.append(_Asked(pairs, width, answers))
    return asked


def keep_loads(asked: list[_Asked]) -> None:
    """Put the answers in their places."""
    for one in asked:
        told: dict[tuple[str, str, date], dict[int, tuple[float, float]]] = defaultdict(dict)
        peaks: dict[tuple[str, str, date], float] = defaultdict(float)
        for row in (row for answer in one.answers for row in answer.result()):
            told[row.key][row.bin] = (row.buckets, row.total)
            peaks[row.key] = max(peaks[row.key], row.peak)
        for history, box in one.pairs:
            keys = [(history.workload.name, box.name, history.day(d).date()) for d in range(history.days)]
            history.load[box.name] = [Load(told.get(k, {}), DAY_S / one.width, peaks.get(k, 0.0)) for k in keys]


def _binned(
    store: Store, pairs: list[tuple[History, Deployment]], span: dict[str, datetime], width: int
) -> list[_Binned]:
    """Return the binned load of pairs, those of one workload beside each other.

    Most workloads run in one place: a row is a bucket, and adding rows up, which takes the longest, is left out.
    """
    several = {row["workload"] for row in store.ask(_PACKAGE, "several_places", **span)} if width == BUCKET_S else None
    out: list[_Binned] = []
    for query, part in (
        ("load_days", [p for p in pairs if several is not None and p[0].workload.name not in several]),
        ("load_days_summed", [p for p in pairs if several is None or p[0].workload.name in several]),
    ):
        if not part:
            continue
        owners = [h.workload.name for h, _ in part]
        names = list(dict.fromkeys(owners))
        rows = store.ask(
            _PACKAGE, query, uncached=[d.s_per_uncached for _, d in part], cached=[d.s_per_cached for _, d in part],
            output=[d.s_per_output for _, d in part], kv=[d.s_per_kv for _, d in part], workloads=names,
            starts=[owners.index(name) + 1 for name in names], counts=[owners.count(name) for name in names],
            width=width, **span,
        )  # fmt: skip
        keys = [(h.workload.name, d.name) for h, d in part]
        out += [
            _Binned((*keys[row["pair"] - 1], row["day"]), row["bin"], float(row["buckets"]), row["total"], row["peak"])
            for row in rows
        ]
    return out


def hours_of_week(store: Store, history: History, one: Deployment, width: int = BUCKET_S) -> dict[int, Load]:
    """Return the load of a workload on an own deployment by hour of the week (UTC), over its last four weeks."""
    end = history.day(history.days)
    rows = store.ask(
        _PACKAGE, "load_hours", workload=history.workload.name, width=width, uncached=one.s_per_uncached,
        cached=one.s_per_cached, output=one.s_per_output, kv=one.s_per_kv,
        **{"from": max(history.start, end - timedelta(days=28)), "to": end},
    )  # fmt: skip
    told: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        told[row["hour"]].append(row)
    weeks = min(4.0, history.days / 7)
    return {hour: _load(found, weeks * 3600 / width) for hour, found in told.items()}


def _load(rows: list[dict[str, Any]], buckets: float) -> Load:
    bins = {row["bin"]: (float(row["buckets"]), row["total"]) for row in rows}
    return Load(bins, buckets, max((row["peak"] for row in rows), default=0.0))
