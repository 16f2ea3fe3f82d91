"""Rows over HTTP, LiteLLM's callback among them: three forms of a body, sent again, broken rows, and no word of a message kept."""

import gzip
import json
from datetime import UTC, datetime

import pytest

from collector.attribution import Attribution
from collector.receivers.loader import Loader
from collector.receivers.rows import HTTP, Rows
from ledger.errors import StoreUnavailable
from ledger.prices.register import PriceRegister

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def call(n, **more):
    return {"id": f"chatcmpl-1{n}", "litellm_call_id": f"call-{n}", "status": "success", "response_cost": 0.001, "model": "gpt-4o-mini",
            "custom_llm_provider": "openai", "prompt_tokens": 100, "completion_tokens": 10, "startTime": 1795514400.0 + n,
            "endTime": 1795514401.0 + n, "messages": [{"role": "user", "content": "SECRET-PROMPT"}], "response": "SECRET-ANSWER",
            "metadata": {"user_api_key_alias": "checkout"}, **more}  # fmt: skip


CALLS = [call(n) for n in range(5)]


@pytest.fixture
def callback(store):
    return Rows(Loader(store, PriceRegister(store), Attribution()), 1 << 20)


def counts(answer):
    assert answer.status == 200, answer.body
    return tuple(json.loads(answer.body)[name] for name in ("accepted", "rejected"))


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(CALLS).encode(),
        "\n".join(json.dumps(c) for c in CALLS).encode(),
        gzip.compress(json.dumps(CALLS).encode()),
    ],
    ids=["array", "ndjson", "gzip"],
)
def test_calls_come_in_once_and_without_their_words(store, callback, body):
    coding = "gzip" if body[:2] == b"\x1f\x8b" else ""
    assert counts(callback.take(body, coding, NOW)) == (5, 0)
    assert callback.loader.repeats["litellm"] == 0
    assert counts(callback.take(body, coding, NOW)) == (5, 0)
    assert callback.loader.repeats["litellm"] == 5
    assert store.read("SELECT count(), sum(total_input), sum(output), any(key) FROM v_requests")[1] == [
        (5, 500, 50, "checkout")
    ]
    assert "SECRET" not in str(store._client.query("SELECT * FROM requests").result_rows)


def test_one_object_and_a_bad_one_beside_good_ones(store, callback):
    assert counts(callback.take(json.dumps(call(9)).encode(), "", NOW)) == (1, 0)
    rows = [call(1), call(2, prompt_tokens=-5), call(3), "nonsense"]
    assert counts(callback.take(json.dumps(rows).encode(), "", NOW)) == (2, 2)
    assert store.read("SELECT line, field FROM rejected FINAL ORDER BY line")[1] == [(2, "prompt_tokens"), (4, "line")]


@pytest.mark.parametrize(
    ("body", "status"), [(b"{broken", 400), (b"", 200), (b"[" + b"1," * 20_000 + b"1]", 413), (b"\xff", 400)]
)
def test_what_is_no_call_is_refused(callback, body, status):
    assert callback.take(body, "", NOW).status == status


def test_without_a_store_it_asks_to_send_again(callback, monkeypatch):
    def away(*_, **__):
        raise StoreUnavailable("gone")

    monkeypatch.setattr(callback.loader.store, "add_columns", away)
    answer = callback.take(json.dumps(CALLS).encode(), "", NOW)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")


def own(n, **more):
    return {
        "ts": f"2026-11-24T10:00:{n:02}Z",
        "provider": "openai",
        "model": "gpt-4o-mini",
        "input_fresh": 1000,
        "output": n,
        **more,
    }


@pytest.fixture
def rows(store):
    return Rows(Loader(store, PriceRegister(store), Attribution()), 1 << 20, HTTP)


@pytest.mark.parametrize(
    "body", [json.dumps([own(1), own(1), own(2)]), "\n".join(map(json.dumps, (own(1), own(1), own(2))))]
)
def test_rows_without_an_id_count_once_however_often_their_request_is_sent(store, rows, body):
    for batch in ("", "", "night-1", "night-1", "night-2"):
        assert counts(rows.take(body.encode(), "", NOW, batch)) == (3, 0)
    told = store.read("SELECT output, count() FROM v_requests GROUP BY output ORDER BY output")[1]
    assert told == [(1, 6), (2, 3)]  # in three requests: one without a name, and two names
    assert store.read("SELECT any(source), uniqExact(source) FROM v_requests")[1] == [("requests_log", 1)]


def test_which_requests_are_stored_together_changes_nothing(store, rows):
    """Equal rows of two requests that waited together are what they are if each is stored by itself."""
    loader, waited = rows.loader, []
    put, loader.put = loader.put, waited.append
    for _ in range(2):
        kept = rows.take(json.dumps([own(1), own(1)]).encode(), "", NOW)
        assert kept.status == 200
    loader.put = put
    loader.load(waited)
    assert store.read("SELECT count() FROM v_requests")[1] == [(2,)]


def test_rows_with_an_id_are_the_same_call_in_any_request(store, rows):
    for batch in ("a", "b"):
        rows.take(json.dumps([own(1, request_id="chatcmpl-" + "0" * 24)]).encode(), "", NOW, batch)
    assert store.read("SELECT count() FROM v_requests")[1] == [(1,)]
