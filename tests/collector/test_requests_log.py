"""Shapes of request logs, each parsed into the exact record; every wrong value named with its field."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import DATA, NOW

from collector import fields
from collector.sources.gpu_log import GpuLog
from collector.sources.requests_log import MAPPABLE, Defaults, RequestsLog, check_map
from ledger.errors import BadRow, ConfigError
from ledger.prices.usage import disjoint
from ledger.records import INPUT_CLASSES

CLASSES = (*INPUT_CLASSES, "output", "unexplained")
TS = "2026-11-22T00:00:00Z"


def lines(name):
    return [json.loads(line) for line in (DATA / name).read_text().splitlines() if line]


def parse(row, **defaults):
    (found,) = RequestsLog(Defaults(**defaults), now=NOW).parse(row)
    return found


def tokens(record):
    return {name: getattr(record, name) for name in CLASSES if getattr(record, name)}


@pytest.mark.parametrize(
    ("row", "provider", "model", "classes", "more"),
    [
        ({"ts": TS, "response": lines("anthropic_message.json")[0]}, "anthropic", "claude-sonnet-5",
         {"input_fresh": 20, "cache_read": 5000, "cache_write_short": 400, "cache_write_long": 600, "output": 300},
         {"output_reasoning": 180, "n_web_search": 2, "event_key": "requests_log||anthropic|msg_fixture1|1"}),
        (lines("openai_response.json")[0], "openai", "gpt-5.1", {"input_fresh": 500, "cache_read": 1500, "output": 300},
         {"output_reasoning": 120, "at": datetime(2026, 11, 22, tzinfo=UTC)}),
        ({"ts": TS, "body": lines("gemini_response.json")[0]}, "google", "gemini-2.5-pro",
         {"input_fresh": 400, "cache_read": 600, "output": 250}, {"output_reasoning": 200}),
        (lines("bedrock_invocation.json")[0], "aws",
         "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/fixture0001",
         {"input_fresh": 350, "cache_read": 4000, "output": 220}, {"team": "checkout", "region": "us-west-2"}),
        (lines("litellm_standard_logging.json")[0], "openai", "gpt-6-astra", {"input_fresh": 500, "cache_read": 400, "output": 120},
         {"output_reasoning": 64, "latency_ms": 2200, "ttft_ms": 450, "key": "checkout", "team": "team-1"}),
        (lines("openai_batch_output.jsonl")[0], "openai", "gpt-4o-mini-2024-07-18", {"input_fresh": 100, "output": 40},
         {"processing": "batch", "variant": "batch"}),
        ({"ts": TS, **lines("anthropic_batch_results.jsonl")[0]}, "anthropic", "claude-haiku-4-5", {"input_fresh": 120, "output": 45},
         {"variant": "batch"}),
        ({"v": 1, "ts": TS, "request_id": "r1", "attempt": 2, "provider": "anthropic", "model": "m", "workload": "checkout", "team": "shop",
          "status": "timeout", "input_fresh": 20, "cache_read": 5000, "output": 300, "output_reasoning": 180, "service_tier": "flex"},
         "anthropic", "m", {"input_fresh": 20, "cache_read": 5000, "output": 300},
         {"status": 408, "attempt": 2, "workload": "checkout", "team": "shop", "variant": "flex", "request_key": "r1"}),
        ({"created_at": TS, "tokens_in": 10, "tokens_out": 3, "provider": "openai", "model": "m", "success": False, "id": "x", "duration": 12},
         "openai", "m", {"input_fresh": 10, "output": 3}, {"status": 500, "latency_ms": 12}),
        ({"created_at": TS, "model": "llama", "prompt_eval_count": 7, "eval_count": 9, "total_duration": 5_000_000_000},
         "own", "llama", {"input_fresh": 7, "output": 9}, {"side": "self_hosted", "latency_ms": 5000}),
        ({"request_id": "s1", "spend": 0.01, "startTime": TS, "model": "m", "custom_llm_provider": "openai", "prompt_tokens": 10,
          "completion_tokens": 2, "metadata": '{"usage_object": {"prompt_tokens_details": {"cached_tokens": 4}}}'},
         "openai", "m", {"input_fresh": 6, "cache_read": 4, "output": 2}, {}),
        ({"ts": TS, "response": {"object": "chat.completion", "model": "m", "id": "c", "choices": []}}, "openai", "m", {}, {"usage_source": "absent"}),
        ({"ts": TS, "response": {"object": "chat.completion", "model": "m", "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 9}}},
         "openai", "m", {"input_fresh": 5, "output": 2, "unexplained": 2}, {}),
    ],
)  # fmt: skip
def test_shapes(row, provider, model, classes, more):
    found = parse(row)
    assert (found.provider, found.model, tokens(found)) == (provider, model, classes)
    assert {name: getattr(found, name) for name in more} == more


def test_one_request_in_two_shapes_has_one_set_of_classes():
    """I12: Anthropic's own form and the canonical line of the same request."""
    message = parse({"ts": TS, "response": lines("anthropic_message.json")[0]})
    line = parse({"ts": TS, "request_id": "msg_fixture1", "provider": "anthropic", "model": "claude-sonnet-5", "input_fresh": 20,
                  "cache_read": 5000, "cache_write_short": 400, "cache_write_long": 600, "output": 300})  # fmt: skip
    assert tokens(message) == tokens(line)
    assert message.event_key == line.event_key


@pytest.mark.parametrize("place", ["usage", "response"])
def test_usage_beside_the_names_of_our_own_lines_is_read(place):
    """A row that carries ts, provider and model, and its tokens in a response or its usage object."""
    usage = {"prompt_tokens": 50, "completion_tokens": 5}
    more = (
        {"usage": usage}
        if place == "usage"
        else {"response": {"object": "chat.completion", "model": "gpt-4o", "usage": usage}}
    )
    found = parse({"ts": TS, "provider": "openai", "model": "gpt-4o", **more})
    assert tokens(found) == {"input_fresh": 50, "output": 5}


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        ({"ts": "2026-11-22T00:00:00", "provider": "a", "model": "m", "output": 1}, "ts", "no time zone"),
        ({"ts": TS, "provider": "a", "model": "m", "output": -1}, "output", "negative"),
        ({"ts": TS, "provider": "a", "model": "m", "output": 12.7}, "output", "not a whole number"),
        ({"ts": TS, "provider": "a", "model": "m", "output": "many"}, "output", "not a number"),
        ({"ts": TS, "provider": "a", "model": "m", "output": 10**10}, "output", "more than 10^9"),
        ({"ts": TS, "provider": "a", "model": "m", "output": True}, "output", "not a number"),
        ({"ts": TS, "provider": "a", "model": "m", "output": 1, "output_reasoning": 2}, "output_reasoning", "more than output"),
        ({"ts": TS, "provider": "a", "model": "m", "output": 1, "status": "odd"}, "status", "neither an HTTP status"),
        ({"ts": TS, "provider": "a", "model": "m", "output": 1, "side": "left"}, "side", "not api or self_hosted"),
        ({"ts": TS, "provider": "", "model": "m", "output": 1}, "provider", "--provider"),
        ({"ts": "2031-01-01T00:00:00Z", "provider": "a", "model": "m", "output": 1}, "ts", "not between 2015 and now"),
        ({"ts": "yesterday", "provider": "a", "model": "m", "output": 1}, "ts", "not a time"),
        ({"ts": TS, "provider": "a", "model": "m", "input": 9, "output": 1}, "input", "not a token class; write input_fresh"),
        ({"hello": 1}, "line", "no known shape"),
        ({"usage": {"prompt_tokens": 5, "completion_tokens": 1}, "model": "m"}, "at", "no time of the request"),
        ({"ts": TS, "usage": {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 9}}, "model": "m"},
         "usage", "exceed input"),
        ({"custom_id": "x", "response": None, "error": {"code": "batch_expired"}}, "response", "batch_expired"),
    ],
)  # fmt: skip
def test_a_bad_row_names_its_field(row, field, reason):
    with pytest.raises(BadRow) as caught:
        parse(row)
    assert (caught.value.field, reason in caught.value.reason) == (field, True), caught.value


def mapped(row, names=None, **defaults):
    names = names or {name: name for name in row}
    (found,) = RequestsLog(Defaults(**{"provider": "openai", "model": "m", **defaults}), names, NOW).parse(row)
    return found


def test_mapped_columns_and_their_conventions():
    row = {
        "at": "2023-11-16 18:17:03.9799600",
        "input": "100",
        "cache_read": "40",
        "cache_write_long": "10",
        "output": "7",
        "total": "110",
    }
    found = mapped(row)
    assert tokens(found) == {"input_fresh": 50, "cache_read": 40, "cache_write_long": 10, "output": 7, "unexplained": 3}
    assert found.at == datetime(2023, 11, 16, 18, 17, 3, 979000, UTC)
    assert mapped({"at": TS, "input": "", "output": ""}).usage_source == "absent"
    with pytest.raises(BadRow, match="map input_fresh="):
        mapped({"at": TS, "input": "10", "cache_read": "40"})
    assert tokens(mapped({"at": TS, "input_fresh": "10", "cache_read": "40"})) == {"input_fresh": 10, "cache_read": 40}


@pytest.mark.parametrize("name", MAPPABLE)
def test_every_documented_name_can_be_mapped(name):
    values = {"at": TS, "side": "api", "status": "200", "attempt": "1", "cost": "0.5"}
    row = {"at": TS, "output": "5", name: values.get(name, "5")}
    assert mapped(row) is not None
    check_map({"at": "a", "output": "o", name: "c"}, ["a", "o", "c"], "f.csv")


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"colour": "x"}, "--map colour=…: not one of"),
        ({"at": "a"}, "needs at=COLUMN and at least one"),
        ({"at": "a", "output": "z"}, "no column z; it has a, b"),
    ],
)
def test_a_wrong_map_says_what_is_there(mapping, message):
    with pytest.raises(ConfigError, match=message):
        check_map(mapping, ["a", "b"], "f.csv")


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-03-29T01:59:59", "Europe/Berlin", "2026-03-29T00:59:59+00:00"),
        ("2026-03-29T02:30:00", "Europe/Berlin", "does not exist"),
        ("2026-10-25T02:30:00", "Europe/Berlin", "happened twice"),
        ("2026-10-25T03:00:00", "Europe/Berlin", "2026-10-25T02:00:00+00:00"),
        ("2026-05-30T00:00:00", "Asia/Kolkata", "2026-05-29T18:30:00+00:00"),
        ("2026-05-30T00:00:00-08:00", None, "2026-05-30T08:00:00+00:00"),
        (1795305600, None, "2026-11-22T00:00:00+00:00"),
        (1795305600123, None, "2026-11-22T00:00:00.123000+00:00"),
        ("1795305600.10", None, "2026-11-22T00:00:00.100000+00:00"),
        (1795305600123456789, None, "2026-11-22T00:00:00.123456+00:00"),
    ],
)
def test_instants(text, zone, expected):
    """T4 and the two days on which clocks change."""
    try:
        found = fields.instant(text, "at", NOW, ZoneInfo(zone) if zone else None).isoformat()
    except BadRow as bad:
        found = bad.reason
    assert expected in found


@given(
    st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6)
)
def test_class_arithmetic(fresh, read, short, long, other):
    """I11: classes are disjoint, none is negative, and they add to the inclusive input they came from."""
    write = short + long + other
    found = disjoint({"input_tokens": fresh + read + write, "cache_read_tokens": read, "cache_write_tokens": write,
                      "cache_write_5m_tokens": short, "cache_write_1h_tokens": long, "output_tokens": 5})  # fmt: skip
    assert sum(found[name] for name in INPUT_CLASSES) == fresh + read + write
    assert (found["input_fresh"], found["cache_write_other"]) == (fresh, other)


@given(st.text(max_size=400))
def test_names_are_clean(text):
    found = fields.name(text)
    assert len(found) <= 256
    assert not set(found) & {"\\", "\x00", "\n", "\x1f"}
    found.encode()


def test_gpu_rows():
    row = {"at": TS, "node": "n", "gpu": "GPU-1", "dt_s": 600, "util": None, "power_w": 71.5, "processes": 0}
    (found,) = GpuLog(now=NOW, pool="lab").parse(row)
    assert (found.util, found.mem_mib, found.power_w, found.processes, found.dt_s, found.pool) == (
        None,
        None,
        71.5,
        0,
        0.0,
        "lab",
    )
    for change, field in (
        ({"gpu": ""}, "gpu"),
        ({"dt_s": None}, "dt_s"),
        ({"util": 101}, "util"),
        ({"power_w": "x"}, "power_w"),
        ({"at": "2026-01-01"}, "at"),
    ):
        with pytest.raises(BadRow) as caught:
            GpuLog(now=NOW).parse({**row, **change})
        assert caught.value.field == field
    assert fields.AHEAD == timedelta(minutes=10)
