"""Metrics of the inference exporter as samples: one interval of a model server a row."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from collector import fields
from collector.receivers.spans import attributes
from ledger.errors import BadRow
from ledger.records import EngineSample, Rejected

if TYPE_CHECKING:
    from collector.attribution import Attribution
    from ledger.store import Store

_PREFIX = "breakeven.engine."
_COUNTS = {
    ("tokens", "input_fresh"): "input_fresh", ("tokens", "cache_read"): "cache_read", ("tokens", "output"): "output",
    ("requests", "ok"): "n_ok", ("requests", "aborted"): "n_aborted", ("requests", "failed"): "n_failed",
}  # fmt: skip
"""Metric and attribute → field of a sample."""
_NUMBERS = {
    "running": "running", "waiting": "waiting", "kv.usage": "kv_used", "idle.time": "idle_s",
    "prefill.time": "prefill_s", "decode.time": "decode_s",
}  # fmt: skip
_TIMES = ("idle_s", "prefill_s", "decode_s")
_HOUR_S = 3600
_Key = tuple[str, str, str, str, str, int, int]
"""Node, pool, deployment, replica, model, start and end in nanoseconds."""


class EngineMetrics:
    """Stores what model servers did; the same interval again changes nothing."""

    def __init__(self, store: Store, attribution: Attribution) -> None:
        self.store, self.attribution = store, attribution

    def take(self, message: Any, now: datetime) -> list[BadRow]:
        """Store an ExportMetricsServiceRequest, other metrics left out; return what could not be taken."""
        months: dict[tuple[int, int], list[EngineSample]] = defaultdict(list)
        bad: list[BadRow] = []
        for key, values in intervals(message).items():
            try:
                for sample in by_hour(self._sample(key, values, now)):
                    months[sample.at.year, sample.at.month].append(sample)
            except BadRow as error:
                bad.append(error)
        for rows in months.values():
            self.store.add(rows)
        self.store.add(
            [Rejected(now, "otlp", "engine metrics", n, b.field, b.reason, "") for n, b in enumerate(bad, 1)]
        )
        return bad

    def _sample(self, key: _Key, values: dict[str, Any], now: datetime) -> EngineSample:
        node, pool, deployment, replica, model, start, end = key
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=round(end / 1e6))
        if not fields.EARLIEST <= at <= now + fields.AHEAD:
            raise BadRow("time_unix_nano", f"{at.isoformat()} is not between 2015 and now")
        if not replica:
            raise BadRow("breakeven.replica", "missing; it tells one server from another")
        counts: dict[str, Any] = {
            name: fields.count(_whole(values.get(name), name), name, fields.MAX_SUM) for name in _COUNTS.values()
        }
        numbers: dict[str, Any] = {name: fields.number(values.get(name), name) for name in _NUMBERS.values()}
        given = fields.name(deployment) or self.attribution.deployment("self_hosted", "own", fields.name(model))
        return EngineSample(
            at, fields.name(node), given, fields.name(replica), fields.name(model),
            fields.name(pool), min(max(0.0, (end - start) / 1e9), 7 * 86_400.0), int(values.get("up", 1)), **counts,
            **numbers, ttft=values.get("ttft", {}), reset=int(values.get("reset", 0)), source="otlp",
        )  # fmt: skip


def by_hour(sample: EngineSample) -> list[EngineSample]:
    """Return a sample of more than an hour as one for each hour: counts are spread evenly, whole, and add up to it.

    Looks were missed and the counters went on; what they tell belongs to all of that time. What was seen at its end
    (queue, KV cache, times to first token) stays with the last hour.
    """
    if sample.dt_s <= _HOUR_S:
        return [sample]
    start, end = sample.at.timestamp() - sample.dt_s, sample.at.timestamp()
    edges = [start, *range(int(start // _HOUR_S + 1) * _HOUR_S, math.ceil(end), _HOUR_S), end]
    out = []
    for a, b in itertools.pairwise(edges):
        shares = (a - start) / sample.dt_s, (b - start) / sample.dt_s
        counts: dict[str, Any] = {n: _part(getattr(sample, n), *shares) for n in _COUNTS.values()}
        times: dict[str, Any] = {
            n: None if (whole := getattr(sample, n)) is None else whole * (b - a) / sample.dt_s for n in _TIMES
        }
        last: dict[str, Any] = {} if b == end else {"running": None, "waiting": None, "kv_used": None, "ttft": {}}
        at = sample.at if b == end else datetime.fromtimestamp(b, UTC)
        out.append(replace(sample, at=at, dt_s=b - a, **counts, **times, **last))
    return out


def _part(whole: int | None, begin: float, end: float) -> int | None:
    return None if whole is None else int(whole * end) - int(whole * begin) if end < 1 else whole - int(whole * begin)


def intervals(message: Any) -> dict[_Key, dict[str, Any]]:
    """Return the values of each server's intervals; pure."""
    out: dict[_Key, dict[str, Any]] = defaultdict(dict)
    for resource in message.resource_metrics:
        about = attributes(resource.resource.attributes)
        place = tuple(str(about.get(name, "")) for name in
                      ("host.name", "breakeven.pool", "breakeven.deployment", "breakeven.replica"))  # fmt: skip
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                if metric.name.startswith(_PREFIX):
                    _put(metric, place, out)
    return out


def _put(metric: Any, place: tuple[str, ...], out: dict[_Key, dict[str, Any]]) -> None:
    name = metric.name.removeprefix(_PREFIX)
    kind = metric.WhichOneof("data")
    for point in getattr(metric, kind).data_points if kind in ("sum", "gauge", "histogram") else ():
        marks = attributes(point.attributes)
        node, pool, deployment, replica = place
        model = str(marks.get("gen_ai.request.model", ""))
        key = (node, pool, deployment, replica, model, point.start_time_unix_nano, point.time_unix_nano)
        if kind == "histogram":
            below, edges = 0, {}
            for edge, count in zip([*point.explicit_bounds, float("inf")], point.bucket_counts, strict=False):
                below += count
                edges[edge] = below
            out[key]["ttft"] = edges
            continue
        value = point.as_double if point.HasField("as_double") else point.as_int
        part = str(marks.get("breakeven.token.class") or marks.get("breakeven.outcome") or "")
        field = _COUNTS.get((name, part)) or _NUMBERS.get(name) or ("up" if name == "up" else "")
        if field:
            out[key][field] = value
            out[key]["reset"] = out[key].get("reset", False) or marks.get("breakeven.reset") == "true"


def _whole(value: float | None, name: str) -> int | None:
    if value is None:
        return None
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN is not itself
        raise BadRow(name, f"{value} is not a number")
    return round(value)
