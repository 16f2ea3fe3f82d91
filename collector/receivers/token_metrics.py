"""Token metrics of services that send no spans: what was used between two exports, as reported usage."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from collector import fields
from collector.bills import merged, placed
from collector.receivers.spans import PROVIDERS, attributes
from ledger.errors import BadRow
from ledger.records import Rejected, SourceState, UsageBucket

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from collector.attribution import Attribution
    from ledger.prices.register import PriceRegister
    from ledger.store import Store

SOURCE = "otlp"
VIEW = "token metrics"
HISTOGRAM = "gen_ai.client.token.usage"
_COUNTERS = "gen_ai.client.inference.usage."
CLASSES = {
    "input_tokens": "input", "output_tokens": "output", "cache_read.input_tokens": "cache_read",
    "cache_write.input_tokens": "cache_write",
}  # fmt: skip
"""Ends of the counters' names → what they count; input includes both kinds of cached tokens."""
_CUMULATIVE = 2
_STATE = "otlp token metrics"


@dataclass(frozen=True, slots=True)
class Point:
    """One data point: what it counts, of whom, since when and until when, in nanoseconds."""

    series: str
    service: str
    instance: str
    provider: str
    model: str
    counts: str
    cumulative: bool
    start: int
    time: int
    sum: float
    requests: int | None


@dataclass(slots=True)
class TokenMetrics:
    """Stores the token metrics of the named services; of all others spans are expected to tell the tokens."""

    store: Store
    prices: PriceRegister
    attribution: Attribution
    services: Collection[str]

    def take(self, message: Any, now: datetime) -> list[BadRow]:
        """Store what was used since the export before; a repeat changes nothing. Return what could not be taken."""
        if not self.services:
            return []
        used: dict[tuple[str, str, str, str, int, int], dict[str, int | None]] = defaultdict(dict)
        states: list[SourceState] = []
        for point in token_points(message):
            if point.service in self.services:
                self._count(point, used, states)
        rows, bad = [], []
        for (service, instance, provider, model, begin, width), counts in used.items():
            try:
                rows.append(_bucket(service, instance, provider, model, begin, width, counts, now))
            except BadRow as error:
                bad.append(error)
        months: dict[tuple[int, int], list[UsageBucket]] = defaultdict(list)
        for row in placed(merged(rows), self.prices, self.attribution, now):
            months[row.start.year, row.start.month].append(row)
        for part in months.values():
            self.store.add(part)
        self.store.add(states)  # after what they speak of: a repeat in between ends in the same rows
        self.store.add([Rejected(now, SOURCE, "token metrics", n, b.field, b.reason, "") for n, b in enumerate(bad, 1)])
        return bad

    def _count(self, point: Point, used: dict[Any, dict[str, int | None]], states: list[SourceState]) -> None:
        """Add what a point has counted since the one before it."""
        begin, tokens, requests = point.start or point.time, point.sum, point.requests
        if point.cumulative:
            before = self._before(point.series, states)
            if before and point.time <= before["time"]:
                return
            if before and point.start == before["start"] and point.sum >= before["sum"]:  # else it began again
                begin, tokens = before["time"], point.sum - before["sum"]
                requests = None if requests is None else requests - before["requests"]
            state = {"start": point.start, "time": point.time, "sum": point.sum, "requests": point.requests or 0}
            states.append(SourceState(_STATE, point.series, json.dumps(state)))
        if not tokens and not requests:
            return
        second = begin // 10**9
        width = max(1, point.time // 10**9 - second)
        counts = used[point.service, point.instance, point.provider, point.model, second, width]
        counts[point.counts] = (counts.get(point.counts) or 0) + round(tokens)
        if point.counts == "input" and requests is not None:
            counts["requests"] = (counts.get("requests") or 0) + requests

    def _before(self, series: str, states: list[SourceState]) -> dict[str, Any] | None:
        found = next((s.value for s in reversed(states) if s.name == series), None)
        if found is None:
            rows = self.store.ask("ledger.store", "cursor", source=_STATE, name=series)
            found = rows[0]["value"] if rows else None
        return json.loads(found) if found else None


def _bucket(
    service: str, instance: str, provider: str, model: str, begin: int, width: int,
    counts: dict[str, int | None], now: datetime,
) -> UsageBucket:  # fmt: skip
    start = datetime.fromtimestamp(begin, UTC)
    if not fields.EARLIEST <= start <= now + fields.AHEAD or start + timedelta(seconds=width) > now + fields.AHEAD:
        raise BadRow("time_unix_nano", f"{start.isoformat()} is not between 2015 and now")
    if not provider:
        raise BadRow("gen_ai.provider.name", "missing")
    read, written = counts.get("cache_read") or 0, counts.get("cache_write") or 0
    whole = {name: fields.count(counts.get(name) or 0, name, fields.MAX_SUM) or 0 for name in ("input", "output")}
    if read + written > whole["input"]:
        raise BadRow("input_tokens", f"{whole['input']} is less than its cached part, {read + written}")
    return UsageBucket(
        SOURCE, service, provider, VIEW, start, width, model=model, project=instance, key=service,
        input_fresh=whole["input"] - read - written, cache_read=read, cache_write_other=written, output=whole["output"],
        n_requests=counts.get("requests", 0 if "input" not in counts else None), is_final=1,
    )  # fmt: skip


def token_points(message: Any) -> Iterator[Point]:
    """Yield the data points of token metrics of an ExportMetricsServiceRequest; pure."""
    for resource in message.resource_metrics:
        about = attributes(resource.resource.attributes)
        service = fields.name(about.get("service.name"))
        instance = _hash(about)[:12]
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                yield from _of_metric(metric, service, instance)


def _of_metric(metric: Any, service: str, instance: str) -> Iterator[Point]:
    kind = metric.WhichOneof("data")
    histogram = metric.name == HISTOGRAM and kind in ("histogram", "exponential_histogram")
    counter = CLASSES.get(metric.name.removeprefix(_COUNTERS)) if metric.name.startswith(_COUNTERS) else None
    if not histogram and (counter is None or kind != "sum"):
        return
    data = getattr(metric, kind)
    for point in data.data_points:
        marks = attributes(point.attributes)
        counts = counter or {"input": "input", "output": "output"}.get(str(marks.get("gen_ai.token.type")), "")
        provider = str(marks.get("gen_ai.provider.name") or marks.get("gen_ai.system") or "").strip().lower()
        value = point.sum if histogram else point.as_double if point.HasField("as_double") else point.as_int
        if counts:
            yield Point(
                _hash({**marks, "": f"{service} {instance} {metric.name}"}), service, instance,
                fields.name(PROVIDERS.get(provider, provider)),
                fields.name(marks.get("gen_ai.response.model") or marks.get("gen_ai.request.model")), counts,
                data.aggregation_temporality == _CUMULATIVE, point.start_time_unix_nano, point.time_unix_nano,
                float(value), int(point.count) if histogram else None,
            )  # fmt: skip


def _hash(marks: dict[str, Any]) -> str:
    text = "\x1f".join(f"{name}={marks[name]}" for name in sorted(marks))
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
