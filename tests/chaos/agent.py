"""A sender that is killed again and again: numbered requests go into a real spool, a real sender posts them.

`agent.py SPOOL HISTORY ENDPOINT [drain]`. The history gets "try N" before batch N is put and "put N" when it is durable: not while the disk is full.
"""

import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from exporters.spool import Sender, Spool

ROWS = 5
BEGIN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
PRICES = {
    "gpt-4o-mini": (Decimal("0.00000015"), Decimal("0.0000006")),
    "gpt-4o": (Decimal("0.0000025"), Decimal("0.00001")),
}


def rows(batch):
    """The requests of a batch: number, model, tokens in and out, seconds after BEGIN."""
    for n in range(batch * ROWS, batch * ROWS + ROWS):
        yield n, ("gpt-4o-mini", "gpt-4o")[n % 2], 100 + n % 977, 10 + n % 89, n * 37 % (29 * 3600)


def usd(batch):
    """What a batch costs, exactly."""
    return sum(tokens_in * PRICES[model][0] + out * PRICES[model][1] for _, model, tokens_in, out, _ in rows(batch))


def body(batch, begin=BEGIN):
    """A batch as OTLP traces; the same bytes each time."""
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    for n, model, tokens_in, out, second in rows(batch):
        span = scope.spans.add(
            trace_id=n.to_bytes(16, "big"), span_id=(n + 1).to_bytes(8, "big"), name=f"chat {model}", kind=3
        )
        span.start_time_unix_nano = int((begin + timedelta(seconds=second)).timestamp()) * 10**9
        span.end_time_unix_nano = span.start_time_unix_nano + 10**9
        texts = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": model,
                 "gen_ai.response.model": model, "gen_ai.response.id": f"chatcmpl-chaos-{n:020}"}  # fmt: skip
        for name, value in texts.items():
            span.attributes.add(key=name).value.string_value = value
        for name, value in {"gen_ai.usage.input_tokens": tokens_in, "gen_ai.usage.output_tokens": out}.items():
            span.attributes.add(key=name).value.int_value = value
    return message.SerializeToString(deterministic=True)


def main():
    """Put batches until killed; with `drain` only send what waits."""
    spool_path, history, endpoint, begin = (
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        sys.argv[3],
        datetime.fromisoformat(sys.argv[4]),
    )
    spool = Spool(spool_path)
    sender = Sender(spool, endpoint, rate=200)
    if sys.argv[5:] == ["drain"]:
        while sender.drain():
            time.sleep(0.2)
        print(spool.counts())
        return
    threading.Thread(target=sender.run, args=(threading.Event(), 0.02), daemon=True).start()
    told = history.read_text().split("\n") if history.exists() else []
    number = max((int(line.split()[1]) for line in told if len(line.split()) == 2), default=-1) + 1
    with history.open("a", buffering=1) as file:
        file.write("\n")  # a line that the kill cut short stays alone
        put = []
        while True:
            file.write(f"try {number}\n")
            spool.put("/v1/traces", body(number, begin))
            put.append(number)
            if not spool.held:
                file.writelines(f"put {n}\n" for n in put)
                put.clear()
            number += 1
            time.sleep(0.06)


if __name__ == "__main__":
    main()
