"""How much a replica can do: throughput at a latency objective, work per token, and how sure that is; pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from statistics import median, quantiles
from typing import TYPE_CHECKING

from ledger.costing.allocation import CACHED_RATIO, OUTPUT_INPUT_RATIO
from ledger.verdict.load import Capacity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MIN_BUCKETS = 30
MAX_SPREAD = 0.2
REACH = 2.0
"""How far beyond the shapes that were tested a fit still speaks, as a factor of their tokens."""


@dataclass(frozen=True, slots=True)
class Slo:
    """Latency objective: 99th percentile of time to first token, 90th of time per output token, milliseconds."""

    ttft_p99_ms: float = 2000.0
    tpot_p90_ms: float = 50.0


@dataclass(frozen=True, slots=True)
class Run:
    """One step of a load test: requests/s offered, tokens/s that came out, how late, and the mean request."""

    rate: float
    output_tok_s: float
    ttft_p99_ms: float
    tpot_p90_ms: float
    input_tokens: float
    output_tokens: float
    cached_tokens: float = 0.0

    @property
    def shape(self) -> tuple[float, float, float]:
        """Mean uncached, cached and output tokens of a request."""
        return self.input_tokens - self.cached_tokens, self.cached_tokens, self.output_tokens


@dataclass(frozen=True, slots=True)
class Point:
    """One shape: output tokens/s of a replica within the objective (None: never kept), and the most of any run."""

    shape: tuple[float, float, float]
    theta: float | None
    theta_max: float
    rate: float | None

    @property
    def share_of_max(self) -> float | None:
        """What the objective leaves of the highest throughput."""
        return None if self.theta is None else self.theta / self.theta_max

    @property
    def seconds(self) -> float | None:
        """Replica-seconds of one request at the objective."""
        return None if self.theta is None else self.shape[2] / self.theta


@dataclass(frozen=True, slots=True)
class Fit:
    """Work per token and how it was found; `error` is the largest miss on the shapes, as a share."""

    capacity: Capacity
    method: str
    error: float
    shapes: tuple[tuple[float, float, float], ...]


def points(runs: Iterable[Run], slo: Slo) -> list[Point]:
    """Return the throughput of each shape of a ladder at an objective, both limits included (economics 8.2)."""
    ladders: dict[tuple[float, float, float], list[Run]] = defaultdict(list)
    for run in runs:
        ladders[run.shape].append(run)
    out = []
    for shape, steps in ladders.items():
        kept = [r for r in steps if r.ttft_p99_ms <= slo.ttft_p99_ms and r.tpot_p90_ms <= slo.tpot_p90_ms]
        best = max(kept, key=lambda r: r.output_tok_s, default=None)
        most = max(r.output_tok_s for r in steps)
        out.append(Point(shape, best.output_tok_s if best else None, most, best.rate if best else None))
    return out


def fit(found: Sequence[Point]) -> Fit | None:
    """Return work per token from points at the objective; None where no shape keeps it (economics 8.1).

    Least squares of the relative miss, no coefficient below 0. One shape fixes only their sum: then output and cached
    tokens have the fixed ratios. The KV term needs four shapes; cached tokens three, in more than one share.
    """
    known = [(p.shape, p.seconds) for p in found if p.seconds]
    if not known:
        return None
    shares = {round(c / (u + c), 3) if u + c else 0.0 for (u, c, _), _ in known}
    with_cached = len(known) >= 3 and len(shares) > 1
    with_kv = len(known) >= (5 if with_cached else 4)
    if len(known) == 1:
        (u, c, o), seconds = known[0]
        one = seconds / (u + CACHED_RATIO * c + OUTPUT_INPUT_RATIO * o)
        capacity = Capacity(one, CACHED_RATIO * one, OUTPUT_INPUT_RATIO * one, 0.0)
        return Fit(capacity, "one shape, fixed ratio", 0.0, (known[0][0],))
    rows = []
    for (u, c, o), seconds in known:
        row = [u, c, o] if with_cached else [u + CACHED_RATIO * c, o]
        rows.append([x / seconds for x in ([*row, (u + c) * o + o * o / 2] if with_kv else row)])
    found_ = _non_negative(rows)
    kv = found_.pop() if with_kv else 0.0
    a_in, a_c, a_out = found_ if with_cached else (found_[0], CACHED_RATIO * found_[0], found_[1])
    capacity = Capacity(a_in, a_c, a_out, kv)
    misses = [abs(capacity.of(u, c, o) / seconds - 1) for (u, c, o), seconds in known]
    return Fit(capacity, f"{len(known)} shapes{', KV term' if kv else ''}", max(misses), tuple(s for s, _ in known))


def reaches(shapes: Sequence[Sequence[float]], uncached: float, cached: float, output: float) -> bool:
    """Say whether a mean request is near what was tested: within a factor of the smallest and largest tokens."""
    for value, tested in ((uncached + cached, [s[0] + s[1] for s in shapes]), (output, [s[2] for s in shapes])):
        if not tested or not min(tested) / REACH <= value <= max(tested) * REACH:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Bucket:
    """Five minutes of a replica in production: tokens by class a second, mean queue, latencies (None: not told)."""

    uncached_s: float
    cached_s: float
    output_s: float
    waiting: float | None
    ttft_p99_ms: float | None
    tpot_ms: float | None
    requests: float


@dataclass(frozen=True, slots=True)
class Observed:
    """Throughput seen in production: B from saturated buckets, C the best seen, a lower bound."""

    grade: str
    theta: float
    buckets: int
    fit: Fit


def observed(buckets: Sequence[Bucket], slo: Slo) -> Observed | None:
    """Return what production shows of a replica's capacity within the objective; None where it shows nothing.

    B: at least 30 buckets with a queue, spread (p90 - p10) / p50 at most 0.2; the median. Else C: the highest.
    A latency that is not told is taken as kept only for C.
    """
    kept = [b for b in buckets if b.output_s > 0 and _keeps(b, slo)]
    if not kept:
        return None
    full = [b for b in kept if b.waiting and b.ttft_p99_ms is not None and b.tpot_ms is not None]
    if len(full) >= MIN_BUCKETS:
        tenths = quantiles([b.output_s for b in full], n=10)
        middle = median(b.output_s for b in full)
        if (tenths[-1] - tenths[0]) / middle <= MAX_SPREAD:
            return Observed("B", middle, len(full), _one_shape(full, middle))
    best = max(kept, key=lambda b: b.output_s)
    return Observed("C", best.output_s, len(kept), _one_shape([best], best.output_s))


def _keeps(bucket: Bucket, slo: Slo) -> bool:
    return (bucket.ttft_p99_ms or 0.0) <= slo.ttft_p99_ms and (bucket.tpot_ms or 0.0) <= slo.tpot_p90_ms


def _one_shape(buckets: Sequence[Bucket], theta: float) -> Fit:
    """Return the work per token of the mean request of some buckets, at `theta` output tokens a second."""
    scale = 300 / max(sum(b.requests for b in buckets), 1.0)
    uncached, cached, output = (
        sum(getattr(b, name) for b in buckets) * scale for name in ("uncached_s", "cached_s", "output_s")
    )
    found = fit([Point((uncached, cached, output), theta, theta, None)])
    assert found is not None
    return found


def _non_negative(rows: list[list[float]]) -> list[float]:
    """Return a >= 0 that brings rows · a nearest to 1: the best of all choices of coefficients that are not 0.

    There are at most four columns, so trying all is exact and short; columns are scaled to one size first.
    """
    width = len(rows[0])
    sizes = [max(row[k] for row in rows) or 1.0 for k in range(width)]
    scaled = [[row[k] / sizes[k] for k in range(width)] for row in rows]
    best, least = [0.0] * width, float(len(rows))
    for count in range(1, width + 1):
        for chosen in combinations(range(width), count):
            a = _solve([[sum(r[i] * r[j] for r in scaled) for j in chosen] for i in chosen],
                       [sum(r[i] for r in scaled) for i in chosen])  # fmt: skip
            if a is None or min(a) < 0:
                continue
            miss = sum((sum(r[k] * x for k, x in zip(chosen, a, strict=True)) - 1) ** 2 for r in scaled)
            if miss < least - 1e-12:
                best, least = [0.0] * width, miss
                for k, x in zip(chosen, a, strict=True):
                    best[k] = x
    return [x / size for x, size in zip(best, sizes, strict=True)]


def _solve(matrix: list[list[float]], right: list[float]) -> list[float] | None:
    """Return the solution of a small system, None for a singular one."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for k in range(size):
        pivot = max(range(k, size), key=lambda i: abs(rows[i][k]))
        if abs(rows[pivot][k]) < 1e-12:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        for i in range(size):
            if i != k:
                factor = rows[i][k] / rows[k][k]
                rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [rows[k][size] / rows[k][k] for k in range(size)]
