"""OTLP over HTTP: the door of traces and metrics, protobuf or JSON; 200 means stored."""

from __future__ import annotations

import base64
import json
import logging
import zlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from collector.receivers import traces, wire
from collector.receivers.answers import Answered, kept, refusal
from collector.receivers.engine_metrics import EngineMetrics
from collector.receivers.gpu_metrics import GpuMetrics, points
from collector.receivers.token_metrics import TokenMetrics
from ledger.errors import BadRow, BreakevenError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from collector.receivers.loader import Loader

log = logging.getLogger("breakeven.receivers")
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
MAX_ITEMS = 20_000
"""Most spans, points or records of one request."""
MAX_ATTRIBUTES = 64 * MAX_ITEMS
MAX_MEMBERS = 64
"""Most gzip members of one body: each copies what is left of it."""
_IDS = ("traceId", "spanId", "parentSpanId")


@dataclass(frozen=True, slots=True)
class Signal:
    """What differs between traces, metrics and logs."""

    name: str
    request: Any
    response: Any
    rejected: str
    paths: wire.Paths
    attributes: wire.Paths
    count: Callable[[Any], int]


TRACES = Signal(
    "traces",
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
    "rejected_spans",
    wire.TRACES,
    wire.TRACE_ATTRIBUTES,
    lambda m: sum(len(scope.spans) for one in m.resource_spans for scope in one.scope_spans),
)
METRICS = Signal(
    "metrics", ExportMetricsServiceRequest, ExportMetricsServiceResponse, "rejected_data_points", wire.METRICS,
    wire.METRIC_ATTRIBUTES,
    lambda m: sum(1 for _ in points(m)),
)  # fmt: skip
LOGS = Signal(
    "logs",
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
    "rejected_log_records",
    wire.LOGS,
    wire.LOG_ATTRIBUTES,
    lambda _: 0,
)


class Receiver:
    """Takes OTLP requests. 400, 413 and 415 are final, 503 is to be sent again."""

    def __init__(
        self,
        loader: Loader,
        limit: int,
        token_metrics: Collection[str] = (),
    ) -> None:
        self.loader, self.limit = loader, limit
        store, attribution = loader.store, loader.attribution
        tokens = TokenMetrics(store, loader.prices, attribution, frozenset(token_metrics))
        self._metrics = (GpuMetrics(store), EngineMetrics(store, attribution), tokens)

    def take(self, signal: Signal, body: bytes, content_type: str, encoding: str, now: datetime) -> Answered:
        """Store one request; what cannot be taken in it is counted as partial success."""
        kind = content_type.split(";", maxsplit=1)[0].strip().lower()
        if kind not in (PROTOBUF, JSON):
            return _failed(415, f"send {PROTOBUF} or {JSON} (OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf)", PROTOBUF)
        try:
            message = _decoded(signal, unpacked(body, encoding, self.limit), kind)
        except OverflowError as error:
            return _failed(413, str(error), kind)
        except (ValueError, DecodeError, ParseError, RecursionError, zlib.error) as error:
            told = "" if isinstance(error, (DecodeError, json.JSONDecodeError)) else f": {error}"
            return _failed(400, f"not an OTLP {signal.name} request{told}", kind)
        if signal.count(message) > MAX_ITEMS:
            return _failed(413, f"more than {MAX_ITEMS} {signal.name} in one request", kind)
        return self._answered(signal, message, kind, now)

    def _answered(self, signal: Signal, message: Any, kind: str, now: datetime) -> Answered:
        if signal is TRACES:
            piece = traces.read(message, now)
            bad = [BadRow(name, reason) for _, name, reason in piece.bad]
            return kept(self.loader, piece, _taken(signal, bad, kind), partial(_failed, kind=kind))
        try:
            # Logs are not read: events repeat what spans tell.
            bad = [bad for one in self._metrics for bad in one.take(message, now)] if signal is METRICS else []
        except BreakevenError as error:
            log.warning("a request was not stored: %s", error)
            return refusal(error, partial(_failed, kind=kind))
        return _taken(signal, bad, kind)


def _decoded(signal: Signal, body: bytes, kind: str) -> Any:
    if kind == PROTOBUF:
        if wire.count(body, signal.paths, MAX_ITEMS) > MAX_ITEMS:
            raise OverflowError(f"more than {MAX_ITEMS} {signal.name} in one request")
        many = wire.at_most(body, signal.attributes) > MAX_ATTRIBUTES
        if many and wire.count(body, signal.attributes, MAX_ATTRIBUTES) > MAX_ATTRIBUTES:
            raise OverflowError(f"more than {MAX_ATTRIBUTES} attributes in one request")
        return signal.request.FromString(body)
    wire.check_json(body)
    table = json.loads(body)
    if not isinstance(table, dict):
        raise ParseError("a JSON object is expected")
    return from_json(signal, table)


def from_json(signal: Signal, table: dict[str, Any]) -> Any:
    """Return the message of an OTLP/JSON object; raises ValueError for what is none."""
    try:
        return ParseDict(_with_ids(table), signal.request(), ignore_unknown_fields=True)
    except ParseError as error:
        # Its text repeats what it could not read, which may be a prompt.
        raise ValueError("a field has another form than the specification gives it") from error


def _with_ids(value: Any) -> Any:
    """Return OTLP/JSON with its hex ids as the base64 that protobuf's own JSON form expects."""
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, list):
        return [_with_ids(item) for item in value]
    if isinstance(value, dict):
        return {
            _whole(key): base64.b64encode(bytes.fromhex(item)).decode() if key in _IDS and isinstance(item, str)
            else _with_ids(item)
            for key, item in value.items()
        }  # fmt: skip
    return value


def _whole(text: str) -> str:
    """Return a text with half characters, which JSON can escape and nothing can store, replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _taken(signal: Signal, bad: list[BadRow], kind: str) -> Answered:
    return Answered(200, _partial(signal, bad, kind), {"Content-Type": kind})


def _partial(signal: Signal, bad: list[BadRow], kind: str) -> bytes:
    if kind == JSON:
        field = "".join(part.title() if n else part for n, part in enumerate(signal.rejected.split("_")))
        told = {"partialSuccess": {field: str(len(bad)), "errorMessage": str(bad[0])}} if bad else {}
        return json.dumps(told).encode()
    response = signal.response()
    if bad:
        setattr(response.partial_success, signal.rejected, len(bad))
        response.partial_success.error_message = str(bad[0])
    return bytes(response.SerializeToString())


def unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """Return a request body; raises OverflowError above the limit, ValueError for an unknown coding or broken gzip."""
    coding = encoding.strip().lower()
    if coding in ("", "identity"):
        return body
    if coding != "gzip":
        raise ValueError(f"Content-Encoding {coding} is not taken; gzip or none")
    out, members = bytearray(), 0
    while body:
        members += 1
        if members > MAX_MEMBERS:
            raise ValueError(f"more than {MAX_MEMBERS} gzip members")
        member = zlib.decompressobj(31)
        out += member.decompress(body, limit + 1 - len(out))
        if len(out) > limit:
            raise OverflowError(f"more than {limit} bytes after unpacking")
        if not member.eof:
            raise ValueError("gzip ends too early")
        body = member.unused_data
    return bytes(out)


def _failed(status: int, text: str, kind: str) -> Answered:
    body = json.dumps({"message": text[:1000]}).encode() if kind == JSON else _status(text)
    return Answered(status, body, {"Content-Type": kind})


def _status(text: str) -> bytes:
    """Return google.rpc.Status with a message: field 2, written by hand to spare a dependency."""
    data = text.encode()[:1000]
    length = bytes([len(data)]) if len(data) < 128 else bytes([len(data) & 0x7F | 0x80, len(data) >> 7])
    return b"\x12" + length + data
