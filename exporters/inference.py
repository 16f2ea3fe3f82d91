"""What model servers did between two looks at their metrics: tokens, requests, queue, time to first token."""

from __future__ import annotations

import itertools
import json
import logging
import math
import time
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_DELTA
from prometheus_client.parser import text_string_to_metric_families

from exporters.engines import Engine, detect

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from exporters.spool import Spool

_ACCEPT = "text/plain;version=0.0.4"
_COUNTERS = ("prompt", "cached", "output", "requests", "failed", "idle_s", "prefill_s", "decode_s")
_GAUGES = ("running", "waiting", "kv_used")
_NAMES = {name: "input" if name == "prompt" else name for name in _COUNTERS}
_COUNTED = ("input", "cached", "output", "ok", "aborted", "failed", "idle_s", "prefill_s", "decode_s")
log = logging.getLogger("breakeven.exporter")
Labels = tuple[tuple[str, str], ...]
Series = dict[tuple[str, Labels], float]
"""Values by name and labels of one page of metrics."""


@dataclass(slots=True)
class Interval:
    """What one model of one server did from `start` to `end` (seconds since 1970).

    A count that the server does not tell is None, never 0. `reset`: a counter began again, so the counts are a lower
    bound. `coarse`: looks were missed in between.
    """

    model: str
    start: float
    end: float
    up: bool = True
    counts: dict[str, float] = field(default_factory=dict)
    running: float | None = None
    waiting: float | None = None
    kv_used: float | None = None
    ttft: dict[float, int] = field(default_factory=dict)
    reset: bool = False
    coarse: bool = False


def read_page(text: str) -> Series:
    """Return the values of a page in Prometheus's text form; broken lines and NaN are left out, the rest goes on."""
    try:
        found = list(_samples(text))
    except ValueError:
        found = []
        for line in text.splitlines():
            try:
                found += _samples(line + "\n")
            except ValueError:
                continue
    return {(name, tuple(sorted(labels.items()))): value for name, labels, value in found if _finite(value)}


def _finite(value: float) -> bool:
    """Say whether a value is a number that a counter or gauge can have; a text of digits may be longer than any."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def get(url: str) -> str:
    """Return a page of metrics in Prometheus's text form; raises OSError."""
    request = urllib.request.Request(url, headers={"Accept": _ACCEPT})  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return str(answer.read(16 << 20).decode("utf-8", "replace"))


@dataclass(slots=True)
class Server:
    """One model server that is looked at; keeps the counters of the look before."""

    url: str
    deployment: str = ""
    model: str = ""
    fetch: Callable[[str], str] = get
    _before: dict[str, Any] = field(default_factory=dict)

    @property
    def replica(self) -> str:
        """What tells this server from others of its deployment."""
        return self.url.split("://", 1)[-1].split("/", 1)[0]

    def look(self, now: float, expected_s: float) -> list[Interval]:
        """Return what every model did since the look before; a server that does not answer is down, which is a fact."""
        try:
            page = read_page(self.fetch(self.url))
        except OSError:
            start = self._before.get("at", now)
            return [Interval(self.model, start, now, up=False)] if now > start else []
        return self.counted(page, now, expected_s)

    def counted(self, page: Series, now: float, expected_s: float) -> list[Interval]:
        """Return the differences to the look before; pure but for what is kept of this look."""
        engine = detect({name for name, _ in page})
        if engine is None:
            log.warning("%s shows no metrics of a server that is known", self.url)
            return []
        names = {name for name, _ in page}
        counters, gauges = _meanings(engine, names, _COUNTERS), _meanings(engine, names, _GAUGES)
        counters |= {f"{name}_bucket": "ttft" for name in engine.ttft if f"{name}_bucket" in names}
        before, self._before = self._before, {"at": now, "process": _process(page), "values": _kept(page, counters)}
        start = before.get("at")
        if start is None or now <= start:
            return []
        again = before.get("process") != self._before["process"]
        found: dict[str, Interval] = {}
        for (name, labels), value in page.items():
            meaning = counters.get(name) or gauges.get(name)
            if meaning and _counts(labels, engine):
                given = dict(labels)
                model = given.get(engine.model_label, "") or self.model
                one = found.setdefault(model, Interval(model, start, now, coarse=now - start > 5 * expected_s))
                if name in gauges:
                    _put_gauge(one, meaning, value)
                else:
                    delta, reset = _delta(name, labels, value, page, before, started_again=again)
                    one.reset |= reset
                    _put_counter(one, engine, meaning, given, delta)
        return [_closed(one, engine) for one in found.values()]

    def state(self) -> str:
        """Return what was kept of the last look, to go on from it after a restart."""
        return json.dumps(self._before)

    def go_on(self, state: str | None) -> None:
        """Take up the counters that an earlier run kept: what was used meanwhile is not lost."""
        self._before = json.loads(state) if state else {}


def _counts(labels: Labels, engine: Engine) -> bool:
    """Say whether a series counts: where every rank repeats the tokens, only the first does."""
    given = dict(labels)
    return all(given.get(name, wanted) == wanted for name, wanted in engine.only.items())


def _process(page: Series) -> float | None:
    return next((value for (name, _), value in page.items() if name == "process_start_time_seconds"), None)


def _key(name: str, labels: Labels) -> str:
    return json.dumps([name, *labels])


def _kept(page: Series, counters: dict[str, str]) -> dict[str, float]:
    created = {_created(name) for name in counters}
    return {_key(name, labels): v for (name, labels), v in page.items() if name in counters or name in created}


def _created(name: str) -> str:
    return name.removesuffix("_total") + "_created"


def _meanings(engine: Engine, names: Collection[str], fields: Iterable[str]) -> dict[str, str]:
    """Return which metric of a page means which field: the first of an engine's names that is there."""
    found = {f: next((name for name in getattr(engine, f) if name in names), "") for f in fields}
    return {name: f for f, name in found.items() if name}


def _delta(
    name: str, labels: Labels, value: float, page: Series, before: dict[str, Any], *, started_again: bool
) -> tuple[float, bool]:
    """Return what a counter grew by, and whether it began again since the look before."""
    values: dict[str, float] = before.get("values", {})
    known = values.get(_key(name, labels))
    created = _created(name)
    born = page.get((created, labels))
    if known is None:  # a series that appears: all of it is new if the process or the series is
        return (value, False) if started_again or (born is not None and born > before["at"]) or values else (0.0, False)
    renewed = born is not None and values.get(_key(created, labels), born) != born
    if started_again or renewed or value < known:
        return value, True
    return value - known, False


def _put_gauge(one: Interval, meaning: str, value: float) -> None:
    known = getattr(one, meaning) or 0.0
    setattr(one, meaning, max(known, value) if meaning == "kv_used" else known + value)


def _put_counter(one: Interval, engine: Engine, meaning: str, labels: dict[str, str], delta: float) -> None:
    """Add what one series grew by to what its model did."""
    if meaning == "ttft":
        edge = float(labels.get("le", "inf"))
        one.ttft[edge] = one.ttft.get(edge, 0) + round(delta)
        return
    name = _NAMES[meaning]
    if meaning == "requests":
        name = engine.finished.get(labels.get(engine.finished_label, ""), "ok")
    one.counts[name] = one.counts.get(name, 0.0) + delta


def _closed(one: Interval, engine: Engine) -> Interval:
    """Make what overlaps disjoint: cached tokens in the prompt counter, failed requests in that of all requests."""
    counts = one.counts
    if "input" in counts and not engine.prompt_is_uncached:
        counts["input"] = max(0.0, counts["input"] - counts.get("cached", 0.0))
    if engine.requests_include_failed and "ok" in counts:
        counts["ok"] = max(0.0, counts["ok"] - counts.get("failed", 0.0))
    return one


@dataclass(slots=True)
class Exporter:
    """Looks at servers every `interval` seconds and puts what they did into the spool."""

    servers: list[Server]
    spool: Spool
    pool: str = ""
    node: str = ""
    interval: float = 15.0
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        for server in self.servers:
            server.go_on(self.spool.state(server.url))

    def once(self) -> list[Interval]:
        """Look at every server once; return what is put into the spool."""
        out: list[Interval] = []
        for server in self.servers:
            found = server.look(self.clock(), self.interval)
            state = {server.url: server.state()}
            if found:
                body = message(server, found, self.pool, self.node).SerializeToString()
                self.spool.put("/v1/metrics", body, state)
            else:
                self.spool.keep(state)
            out += found
        return out


UNITS = {"input": "{token}", "cached": "{token}", "output": "{token}", "ok": "{request}", "aborted": "{request}",
         "failed": "{request}", "idle_s": "s", "prefill_s": "s", "decode_s": "s"}  # fmt: skip
NAMES = {
    "input": ("breakeven.engine.tokens", {"breakeven.token.class": "input_fresh"}),
    "cached": ("breakeven.engine.tokens", {"breakeven.token.class": "cache_read"}),
    "output": ("breakeven.engine.tokens", {"breakeven.token.class": "output"}),
    "ok": ("breakeven.engine.requests", {"breakeven.outcome": "ok"}),
    "aborted": ("breakeven.engine.requests", {"breakeven.outcome": "aborted"}),
    "failed": ("breakeven.engine.requests", {"breakeven.outcome": "failed"}),
    "idle_s": ("breakeven.engine.idle.time", {}),
    "prefill_s": ("breakeven.engine.prefill.time", {}),
    "decode_s": ("breakeven.engine.decode.time", {}),
}  # fmt: skip
"""What was counted → metric and attributes."""


def message(server: Server, found: Iterable[Interval], pool: str, node: str) -> ExportMetricsServiceRequest:
    """Return what a server did as OTLP metrics: delta sums over the interval, gauges at its end; pure."""
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    resource.resource.attributes.extend(_attributes({
        "service.name": "breakeven-exporter", "host.name": node, "breakeven.pool": pool,
        "breakeven.deployment": server.deployment, "breakeven.replica": server.replica,
    }))  # fmt: skip
    metrics = resource.scope_metrics.add()
    metrics.scope.name = "breakeven.exporters.inference"
    sums: dict[str, Any] = defaultdict(lambda: None)
    for one in found:
        times = {"start_time_unix_nano": round(one.start * 1e9), "time_unix_nano": round(one.end * 1e9)}
        about = {"gen_ai.request.model": one.model, "breakeven.reset": str(one.reset).lower()}
        for name in _COUNTED:
            if name in one.counts:
                metric, marks = NAMES[name]
                if sums[metric] is None:
                    sums[metric] = metrics.metrics.add(name=metric, unit=UNITS[name]).sum
                    sums[metric].aggregation_temporality = AGGREGATION_TEMPORALITY_DELTA
                    sums[metric].is_monotonic = True
                value = one.counts[name]
                sums[metric].data_points.add(attributes=_attributes({**about, **marks}), as_double=value, **times)
        gauges: dict[str, float | None] = {
            "up": float(one.up),
            "running": one.running,
            "waiting": one.waiting,
            "kv.usage": one.kv_used,
        }
        for name, gauge in gauges.items():
            if gauge is not None:
                point = metrics.metrics.add(name=f"breakeven.engine.{name}").gauge.data_points
                point.add(attributes=_attributes(about), as_double=gauge, **times)
        if one.ttft:
            _histogram(metrics, one, about, times)
    return request


def _histogram(metrics: Any, one: Interval, about: dict[str, str], times: dict[str, int]) -> None:
    edges = sorted(edge for edge in one.ttft if math.isfinite(edge))
    total = max(one.ttft.values())
    below = [0, *(one.ttft[edge] for edge in edges), total]
    data = metrics.metrics.add(name="breakeven.engine.time_to_first_token", unit="s").histogram
    data.aggregation_temporality = AGGREGATION_TEMPORALITY_DELTA
    data.data_points.add(
        attributes=_attributes(about), explicit_bounds=edges, count=total,
        bucket_counts=[max(0, b - a) for a, b in itertools.pairwise(below)], **times,
    )  # fmt: skip


def _attributes(given: dict[str, str]) -> list[KeyValue]:
    return [KeyValue(key=k, value=AnyValue(string_value=v)) for k, v in given.items() if v]
