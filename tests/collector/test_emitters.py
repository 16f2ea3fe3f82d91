"""Real SDKs under real instrumentations talk to a provider on loopback and to our receiver: its tokens are stored, once."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from provider import listening

from collector.attribution import Attribution
from collector.receivers.loader import Loader
from collector.receivers.otlp import TRACES, Receiver
from ledger.prices.register import PriceRegister

NUMBERS = count()
CHAT = {"prompt_tokens": 21, "completion_tokens": 7, "total_tokens": 28, "prompt_tokens_details": {"cached_tokens": 16},
        "completion_tokens_details": {"reasoning_tokens": 3}}  # fmt: skip
MESSAGE = {"input_tokens": 11, "cache_read_input_tokens": 200, "cache_creation_input_tokens": 100, "output_tokens": 6}


def answer(path, body):
    """Return status, content type and body of a provider's answer."""
    name = f"loopback{next(NUMBERS):020d}"
    if path.endswith("/messages"):
        return 200, "application/json", {"id": f"msg_{name}", "type": "message", "role": "assistant", "model": body["model"],
                                         "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn", "stop_sequence": None, "usage": MESSAGE}  # fmt: skip
    if body["model"] == "err":
        return 429, "application/json", {"error": {"message": "slow down", "type": "rate_limit"}}
    made = {"id": f"chatcmpl-{name}", "created": 1, "model": "gpt-4o-mini-2024-07-18"}
    if not body.get("stream"):
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}
        return 200, "application/json", {**made, "object": "chat.completion", "choices": [choice], "usage": CHAT}
    made["object"] = "chat.completion.chunk"
    chunks = [{**made, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]},
              {**made, "choices": [], "usage": CHAT}]  # fmt: skip
    return 200, "text/event-stream", "".join(f"data: {json.dumps(c)}\n\n" for c in chunks) + "data: [DONE]\n\n"


def provide(path, _, body):
    status, kind, made = answer(path, json.loads(body))
    return status, {"Content-Type": kind}, (made if isinstance(made, str) else json.dumps(made)).encode()


@pytest.mark.parametrize(
    ("emitters", "expected"),
    [
        ("genai-openai", [(200, 21, 16, 7, 0), (200, 21, 16, 7, 0), (429, 0, 0, 0, 0)]),
        ("native", [(200, 311, 200, 6, 0)] * 2),
        ("openinference", [(200, 311, 200, 6, 0)] * 2),
        ("native+openinference", [(200, 311, 200, 6, 0)] * 2),
    ],
)
def test_the_tokens_stored_are_what_the_provider_said_once(store, emitters, expected):
    """(status, input, cached, output, approximate) of each call; two instrumentations at once tell each call twice."""
    receiver = Receiver(Loader(store, PriceRegister(store), Attribution()), 20 << 20)

    def receive(path, headers, body):
        assert path == "/v1/traces"
        found = receiver.take(
            TRACES, body, headers["Content-Type"], headers.get("Content-Encoding", ""), datetime.now(UTC)
        )
        return found.status, found.headers, found.body

    with listening(provide) as provider, listening(receive) as inbox:
        program = Path(__file__).with_name("emitter.py")
        subprocess.run(
            [sys.executable, str(program), emitters, provider, inbox], check=True, timeout=120, capture_output=True
        )
    rows = store.read(
        "SELECT status, total_input, cache_read, output, approximate FROM v_requests ORDER BY status, at"
    )[1]
    assert rows == expected
    assert store.read("SELECT DISTINCT key, team, environment FROM v_requests")[1] == [("their-app", "search", "prod")]
    assert "SECRET-PROMPT" not in str(store._client.query("SELECT * FROM requests").result_rows)
