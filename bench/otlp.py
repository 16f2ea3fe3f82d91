"""G6: spans through the receiver and its spool into the ledger, beside walking their attributes and a plain insert."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.measure import Goal, Spent, median, rate, spent
from collector.attribution import Attribution
from collector.receivers.loader import Loader, Place
from collector.receivers.otlp import PROTOBUF, TRACES, Receiver
from ledger.prices.register import PriceRegister
from ledger.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 25, tzinfo=UTC)
BATCHES, SPANS, ROUNDS = 40, 512, 3
TEXTS = {
    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18", "server.address": "api.openai.com",
    "openai.response.service_tier": "default", "user_agent.original": "OpenAI/Python 2.54.0 of some service",
    "code.function": "answer", "thread.name": "MainThread",
}  # fmt: skip


def goals() -> Iterator[Goal]:
    """Send the same number of new spans in each round, a walk over as many beside each."""
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store") as store:
        store.migrate()
        prices = PriceRegister(store)
        prices.refresh(NOW)
        loader = Loader(store, prices, Attribution(), Place(Path(folder) / "receive"))
        receiver = Receiver(loader, 20 << 20)
        loader.start()

        def received(number: int) -> Spent:
            bodies = [body(number * BATCHES + batch) for batch in range(BATCHES)]
            with spent(store) as took:
                kept = [receiver.take(TRACES, one, PROTOBUF, "", NOW).durable for one in bodies]
                for one in kept:
                    assert one is not None
                    one.result(60)
                while store.ask("bench", "spans_there")[0]["rows"] < (number + 1) * BATCHES * SPANS:
                    time.sleep(0.25)  # each look costs the engine as much as hundreds of spans
            return took

        received(0)
        ours = median(ROUNDS, lambda number: received(number + 1))
        loader.stop()
        store.tell("bench", "walked")

        def walked(number: int) -> Spent:
            bodies = [body(number * BATCHES + batch) for batch in range(BATCHES)]
            with spent(store) as took:
                for one in bodies:
                    store.add_columns("walked", walk(one))
            return took

        theirs = median(ROUNDS, walked)
    count = BATCHES * SPANS
    yield Goal("G6", f"spans of 650 bytes in requests of {SPANS}: checked, priced, each once, per a bare walk",
               rate(count, ours.cpu), rate(count, theirs.cpu), theirs.cpu / ours.cpu, 1.4)  # fmt: skip


def body(batch: int) -> bytes:
    """Return a request of spans as an instrumentation sends it."""
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "checkout"
    scope = resource.scope_spans.add()
    scope.scope.name = "opentelemetry.instrumentation.openai_v2"
    for n in range(batch * SPANS, (batch + 1) * SPANS):
        span = scope.spans.add(trace_id=n.to_bytes(16, "big"), span_id=(n + 1).to_bytes(8, "big"), name="chat", kind=3)
        span.start_time_unix_nano = int((NOW - timedelta(hours=3) + timedelta(seconds=n % 10_000)).timestamp()) * 10**9
        span.end_time_unix_nano = span.start_time_unix_nano + 10**9
        for name, text in {**TEXTS, "gen_ai.response.id": f"chatcmpl-{n:026}"}.items():
            span.attributes.add(key=name).value.string_value = text
        counts = {"input_tokens": 1000 + n % 500, "output_tokens": n % 300, "cache_read.input_tokens": n % 900}
        for name, count in counts.items():
            span.attributes.add(key=f"gen_ai.usage.{name}").value.int_value = count
        span.attributes.add(key="server.port").value.int_value = 443
    return message.SerializeToString()


def walk(data: bytes) -> dict[str, list[Any]]:
    """Return columns of spans with all their attributes walked, nothing checked and nothing known twice."""
    columns: dict[str, list[Any]] = {
        name: [] for name in ("trace", "span", "at", "model", "id", "input", "output", "read")
    }
    for resource in ExportTraceServiceRequest.FromString(data).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                told = {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}
                columns["trace"].append(span.trace_id.hex())
                columns["span"].append(span.span_id.hex())
                columns["at"].append(datetime.fromtimestamp(span.start_time_unix_nano / 1e9, UTC))
                columns["model"].append(told.get("gen_ai.response.model", ""))
                columns["id"].append(told.get("gen_ai.response.id", ""))
                columns["input"].append(told.get("gen_ai.usage.input_tokens", 0))
                columns["output"].append(told.get("gen_ai.usage.output_tokens", 0))
                columns["read"].append(told.get("gen_ai.usage.cache_read.input_tokens", 0))
    return columns
