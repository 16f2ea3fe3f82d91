"""Traces of real emitters come out as what truly happened: each call once, cached tokens apart, no text kept."""

import gzip
import itertools
import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from made import DATA
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from collector.attribution import Attribution
from collector.receivers import traces
from collector.receivers.loader import Loader
from collector.receivers.otlp import JSON, LOGS, METRICS, PROTOBUF, TRACES, Receiver
from collector.receivers.piece import Piece
from ledger.prices.register import PriceRegister

OTLP = DATA / "otlp"
NOW = datetime.now(UTC) + timedelta(days=1)
START = NOW.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=4)  # links of spans live seven days


@pytest.fixture
def receiver(store):
    return Receiver(Loader(store, PriceRegister(store), Attribution()), 20 << 20)


def send(receiver, name, signal=TRACES):
    kind = JSON if name.endswith(".json") else PROTOBUF
    answer = receiver.take(signal, (OTLP / name).read_bytes(), kind, "", NOW)
    assert answer.status == 200, answer.body
    return answer


ROWS = """SELECT model, status, toString(usage_source), total_input, cache_read, cache_write_other, output, output_reasoning
FROM v_requests ORDER BY at, total_input"""

# model, status, usage_source, total input, cache read, cache write of unknown life, output, reasoning
EXPECTED = {
    "openai-v2.traces.01.pb": [
        ("gpt-4o-mini-2024-07-18", 200, "provider", 21, 0, 0, 7, None),
        ("gpt-4o-mini-2024-07-18", 200, "provider", 21, 0, 0, 7, None),
        ("gpt-4o-mini-2024-07-18", 200, "absent", 0, 0, 0, 0, None),
        ("err", 429, "provider", 0, 0, 0, 0, None),
        ("text-embedding-3-small", 200, "provider", 5, 0, 0, 0, None),
    ],
    "openlit.traces.01.pb": [
        ("gpt-4o-mini-2024-07-18", 200, "provider", 21, 16, 0, 7, None),
        ("gpt-4o-mini-2024-07-18", 200, "provider", 21, 16, 0, 7, None),
        ("gpt-4o-mini-2024-07-18", 200, "estimated", 22, 0, 0, 3, None),
        ("err", 429, "provider", 0, 0, 0, 0, None),
        ("text-embedding-3-small", 200, "provider", 5, 0, 0, 0, None),
        ("gpt-5-mini", 200, "provider", 30, 10, 0, 9, 4),
    ],
    "litellm-sdk.traces.01.pb": [
        ("gpt-4o-mini-2024-07-18", 200, "provider", 21, 16, 0, 7, 3),
        ("gpt-4o-mini", 200, "absent", 0, 0, 0, 0, None),
        ("err", 429, "provider", 0, 0, 0, 0, None),
        ("claude-sonnet-4-5", 200, "provider", 311, 200, 100, 6, None),
    ],
    "anthropic-native.traces.01.pb": [("claude-sonnet-4-5", 200, "provider", 311, 200, 100, 6, None)],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_an_emitter_tells_is_what_happened(store, receiver, name):
    send(receiver, name)
    found = [(*row[:7], row[7] or None) for row in store.read(ROWS)[1]]
    assert sorted(found, key=str) == sorted(EXPECTED[name], key=str)
    before = store._client.query("SELECT * EXCEPT ver FROM requests FINAL ORDER BY ALL").result_rows
    send(receiver, name)
    send(Receiver(Loader(store, PriceRegister(store), Attribution()), 20 << 20), name)
    assert store._client.query("SELECT * EXCEPT ver FROM requests FINAL ORDER BY ALL").result_rows == before


def test_json_of_a_javascript_sender(store, receiver):
    assert json.loads(send(receiver, "node-json.traces.01.json").body) == {}
    assert store.read("SELECT count(), sum(total_input), sum(cache_read), sum(output) FROM v_requests")[1] == [
        (3, 66, 48, 21)
    ]


@pytest.mark.parametrize("path", sorted(p.name for p in OTLP.glob("*.metrics.*") if p.suffix in (".pb", ".json")))
def test_token_metrics_count_nothing_beside_traces(store, receiver, path):
    send(receiver, path, METRICS)
    assert store.read("SELECT count() FROM requests")[1] == [(0,)]


@pytest.mark.parametrize("path", sorted(p.name for p in OTLP.glob("*.logs.*.pb")))
def test_log_events_count_nothing_beside_traces(store, receiver, path):
    send(receiver, path, LOGS)
    assert store.read("SELECT count() FROM requests")[1] == [(0,)]


def test_no_text_and_no_user_is_kept(store, receiver):
    for path in OTLP.iterdir():
        if path.suffix in (".pb", ".json"):
            signal = next(s for s in (TRACES, METRICS, LOGS) if f".{s.name}." in path.name)
            send(receiver, path.name, signal)
    tables = [
        r[0]
        for r in store._client.query("SELECT name FROM system.tables WHERE database = currentDatabase()").result_rows
    ]
    for table in tables:
        if table.startswith(("land_", "price", "booked", "repriced")):
            continue
        text = str(store._client.query(f"SELECT * FROM {table}").result_rows)
        for secret in ("SECRET-PROMPT", "user-7", "site-packages", "Hello", "Error code"):
            assert secret not in text, (table, secret)


def test_costs_and_splits_are_kept_apart(store, receiver):
    """LiteLLM's dollars stay beside ours; OpenLIT's 0 is no price; an emitter that never splits input is approximate."""
    send(receiver, "litellm-sdk.traces.01.pb")
    found = store.read("SELECT cost_reported FROM v_requests WHERE cost_reported IS NOT NULL ORDER BY 1")[1]
    assert found == [(Decimal("0.00000615"),), (Decimal("0.000558"),)]
    send(receiver, "openlit.traces.01.pb")
    assert store.read("SELECT countIf(cost_reported = 0) FROM v_requests")[1] == [(0,)]
    send(receiver, "openai-v2.traces.01.pb")
    rows = store.read(
        "SELECT approximate, count() FROM v_requests WHERE environment = 'test' AND total_input > 0 GROUP BY 1 ORDER BY 1"
    )[1]
    assert rows == [(0, 5), (1, 3)]


def test_names_come_from_the_resource(store, receiver):
    send(receiver, "anthropic-native.traces.01.pb")
    assert store.read("SELECT key, team, environment, tier, provider, side FROM v_requests")[1] == [
        ("demo-app", "search", "test", "standard", "anthropic", "api")
    ]


# ---- nested spans -----------------------------------------------------------------------------------------------


def span(number, parent=0, minutes=0, scope="made", **attributes):
    """One span with attributes; dots are written as two underscores."""
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    scoped = resource.scope_spans.add()
    scoped.scope.name = scope
    start = int((START + timedelta(minutes=minutes, seconds=number)).timestamp() * 1e9)
    made = scoped.spans.add(trace_id=b"t" * 16, span_id=number.to_bytes(8, "big"), start_time_unix_nano=start,
                            end_time_unix_nano=start + 10**9)  # fmt: skip
    if parent:
        made.parent_span_id = parent.to_bytes(8, "big")
    for key, value in attributes.items():
        pair = made.attributes.add(key=key.replace("__", "."))
        kind = {int: "int_value", float: "double_value", bool: "bool_value", str: "string_value"}[type(value)]
        setattr(pair.value, kind, value)
    return message


def usage(number, parent=0, tokens=(0, 0), operation="chat", **more):
    given = {"gen_ai__operation__name": operation, "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o",
             "gen_ai__usage__cache_read__input_tokens": 0}  # fmt: skip
    if tokens != (0, 0):
        given |= {"gen_ai__usage__input_tokens": tokens[0], "gen_ai__usage__output_tokens": tokens[1]}
    given |= more
    return span(number, parent, **given)


def together(*messages):
    whole = ExportTraceServiceRequest()
    for message in messages:
        whole.MergeFrom(message)
    return whole


def take(receiver, *messages):
    for message in messages:
        answer = receiver.take(TRACES, gzip.compress(message.SerializeToString()), PROTOBUF, "gzip", NOW)
        assert answer.status == 200
        assert not ExportTraceServiceResponse.FromString(answer.body).HasField("partial_success")


def totals(store):
    return store.read("SELECT count(), sum(total_input), sum(output) FROM v_requests")[1][0]


GV16 = [usage(1, 3, (56, 5)), usage(2, 3, (57, 6)), usage(3, 0, (113, 11), "invoke_agent")]
GV18 = [usage(1, 2, (50, 5)), span(2, 3, gen_ai__operation__name="execute_tool"), usage(3, 0, (50, 5), "invoke_agent")]
GV18_ALL = [usage(1, 2, (50, 5)), usage(2, 3, (50, 5), "execute_tool"), usage(3, 0, (50, 5), "invoke_agent")]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [(GV16, (2, 113, 11)), (GV18, (1, 50, 5)), (GV18_ALL, (1, 50, 5))],
    ids=["GV16", "GV18", "GV18-all-with-usage"],
)
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_nested_spans_count_once_in_any_order(store, prices, spans, expected, order):
    """D1, I18: one request a span, another receiver for each, in every order; and all in one request."""
    for number in order:
        take(Receiver(Loader(store, prices, Attribution()), 1 << 20), spans[number])
    assert totals(store) == expected
    take(Receiver(Loader(store, prices, Attribution()), 1 << 20), together(*spans))
    assert totals(store) == expected


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_nested_spans_that_waited_together_count_once(store, prices, order):
    """As they come out of the receive spool: several requests of a sender in one batch."""
    told = [Piece.unpacked(traces.read(GV16[number], NOW).packed()) for number in order]
    Loader(store, prices, Attribution()).load(told)
    assert totals(store) == (2, 113, 11)


def test_a_wrapper_that_comes_again_with_what_it_wraps_counts_no_more(store, receiver):
    wrapper, inner = GV16[2], together(*GV16[:2])
    take(receiver, wrapper)
    assert totals(store) == (1, 113, 11)
    take(receiver, together(wrapper, inner))
    assert totals(store) == (2, 113, 11)


VALUES = {
    "gen_ai__provider__name": ("openai", "anthropic", "aws.bedrock", "", 7),
    "gen_ai__operation__name": ("chat", "embeddings", "invoke_agent", "CHAT", "list", ""),
    "gen_ai__request__model": ("gpt-4o", "claude-3-5-haiku-20241022", "", " gpt-4o", 3),
    "gen_ai__response__model": ("gpt-4o-2024-08-06", "", 3.5),
    "gen_ai__response__id": ("chatcmpl-01234567890123456789", "short", "", "with\\backslash-0123456789", " chatcmpl-0123456789012", 12),
    "gen_ai__usage__input_tokens": (0, 7, 1200, -3, 10**10, "12", 12.5, True),
    "gen_ai__usage__output_tokens": (0, 5, 300, "x", -1),
    "gen_ai__usage__prompt_tokens": (9, ""),
    "gen_ai__usage__cache_read__input_tokens": (0, 6, 1100, 5000, "6"),
    "gen_ai__usage__cache_creation__input_tokens": (0, 100),
    "gen_ai__usage__reasoning__output_tokens": (0, 4, 200, 900),
    "gen_ai__usage__audio__input_tokens": (3,),
    "gen_ai__response__time_to_first_chunk": (0.25, 0.0, -1.0, 5e9, 1, "0.5"),
    "openai__response__service_tier": ("default", "flex", "batch", ""),
    "error__type": ("RateLimitError", ""),
    "http__response__status_code": (200, 429),
    "metadata__usage_object": ("{'cache_read_input_tokens': 5}", "no"),
    "user_agent__original": ("OpenAI/Python",),
}  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_spans_that_are_read_by_kind_are_what_they_are_one_by_one(seed):
    """Most spans are read by column, by the first of their kind; whatever they tell, nothing else comes of them."""
    some, messages = random.Random(seed), []
    likely = [name for name in VALUES if not name.startswith(("error", "http", "metadata", "gen_ai__usage__audio"))]
    for number in range(1, 600):
        names = some.sample(likely, some.randint(3, len(likely))) + (
            some.sample(list(VALUES), 1) if number % 5 == 0 else []
        )
        # The first value of each is a plain one.
        told = {name: some.choice(VALUES[name]) if some.random() < 0.1 else VALUES[name][-1 if some.random() < 0.02 else 0]
                for name in names} | ({"gen_ai__usage__input_tokens": some.randrange(2000)} if number % 2 else {})  # fmt: skip
        messages.append(
            span(
                number,
                some.choice([0, 1]),
                some.randrange(60),
                scope=some.choice(["made", "vllm", "openlit.x"]),
                **told,
            )
        )
        one = messages[-1].resource_spans[0].scope_spans[0].spans[0]
        one.status.code = some.choice([0, 0, 0, 0, 1, 2])
        one.end_time_unix_nano *= some.choice([1, 1, 1, 0])
        if some.random() < 0.02:
            one.start_time_unix_nano = some.choice([0, 1, 2**63])
    whole = ExportTraceServiceRequest()
    scopes = {}
    for message in messages:  # one scope of each name, as senders do it
        given = message.resource_spans[0].scope_spans[0]
        if given.scope.name not in scopes:
            scopes[given.scope.name] = whole.resource_spans.add().scope_spans.add()
            scopes[given.scope.name].scope.name = given.scope.name
        scopes[given.scope.name].spans.append(given.spans[0])
    piece = Piece.unpacked(traces.read(whole, NOW).packed())
    alike = [(one.request(n), one.link(n)) for one in piece.alike for n in range(len(one))]
    assert 60 < len(alike)
    odd = [(piece.requests[one.request], one.link) for one in piece.spans if one.request >= 0]
    expected = [traces.read(message, NOW, by_kind=False) for message in messages]
    assert sorted(map(repr, [*alike, *odd])) == sorted(
        repr((one.requests[0], one.spans[0].link)) for one in expected if one.requests
    )
    assert sorted((name, reason) for _, name, reason in piece.bad) == sorted(
        (name, reason) for one in expected for _, name, reason in one.bad
    )


@pytest.mark.parametrize("first", ["wrapper", "inner"])
def test_two_receivers_that_take_halves_of_a_trace_at_once_count_it_once(store, prices, monkeypatch, first):
    """One has asked what is known and not yet stored its half when the other takes the other half."""
    halves = {"wrapper": GV16[2], "inner": together(*GV16[:2])}
    other = halves.pop("inner" if first == "wrapper" else "wrapper")
    known, asked = traces._known, []

    def in_between(base, names, *own):
        found = known(base, names, *own)
        asked.append(names)
        if len(asked) == 1:
            Loader(store, prices, Attribution()).load([traces.read(other, NOW)])
        return found

    monkeypatch.setattr(traces, "_known", in_between)
    Loader(store, prices, Attribution()).load([traces.read(halves.popitem()[1], NOW)])
    assert totals(store) == (2, 113, 11)


def test_a_wrapper_alone_counts_once(store, receiver):
    take(receiver, usage(3, 0, (113, 11), "invoke_agent"), usage(3, 0, (113, 11), "invoke_agent"))
    assert totals(store) == (1, 113, 11)


def test_usage_that_is_carried_on_is_no_increment(store, receiver):
    """GV17: runs of 51, 52, 53 whose spans carry 51, 103, 53."""
    runs = [(1, 51, 51), (2, 52, 103), (3, 53, 53)]
    parts = [usage(n * 10 + 1, n * 10, (own, 1)) for n, own, _ in runs]
    parts += [usage(n * 10, 0, (carried, 1), "invoke_agent") for n, _, carried in runs]
    take(receiver, together(*parts))
    assert totals(store) == (3, 156, 3)


@pytest.mark.parametrize("operation", ["invoke_agent", "chat"])
def test_a_wrapper_with_the_id_of_a_call_inside_it_takes_nothing_away(store, receiver, operation):
    """Two calls, and around them a span that carries the sum and the id of the second; sent, and sent again."""
    ids = [{"gen_ai__response__id": f"chatcmpl-Bx0123456789abcdef{n}"} for n in (1, 2)]
    run = [usage(1, 3, (56, 5), **ids[0]), usage(2, 3, (57, 6), **ids[1]), usage(3, 0, (113, 11), operation, **ids[1])]
    take(receiver, together(*run[:2]), run[2], run[2], together(*run), run[2])
    assert totals(store) == (2, 113, 11)


def test_reads_are_free(store, receiver):
    """GV21, I19: one generation, its stored response read five times."""
    take(receiver, usage(1, 0, (50, 5)))
    for number in range(2, 7):
        take(receiver, usage(number, 0, (50, 5), "fetch_response"))
    assert totals(store) == (1, 50, 5)


def test_a_long_id_is_one_event_in_log_and_span(store, prices, receiver, tmp_path):
    """The same response in a log and in a span counts once, whichever comes first; short ids never merge."""
    from collector.importer import Plan, import_file
    from collector.sources.requests_log import Defaults

    long = "chatcmpl-Bx0123456789abcdef"
    take(receiver, usage(1, 0, (50, 5), gen_ai__response__id=long))
    take(
        receiver,
        usage(2, 0, (50, 5), gen_ai__response__id="chatcmpl-1"),
        usage(3, 0, (50, 5), gen_ai__response__id="chatcmpl-1"),
    )
    assert totals(store)[0] == 3
    log = tmp_path / "log.jsonl"
    log.write_text(
        json.dumps(
            {
                "ts": (START + timedelta(seconds=1)).isoformat(),
                "response": {
                    "id": long,
                    "object": "chat.completion",
                    "model": "gpt-4o",
                    "usage": {"prompt_tokens": 50, "completion_tokens": 5},
                },
            }
        )
        + "\n"
    )
    report = import_file(store, prices, Attribution(), log, Plan({}, Defaults(provider="openai")), NOW)
    assert (report.counts.accepted, report.counts.duplicate) == (0, 1)
    assert totals(store)[0] == 3


def test_openlit_tells_anthropic_input_without_the_cached(store, receiver):
    names = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "claude-sonnet-4-5", "gen_ai__usage__input_tokens": 500,
             "gen_ai__usage__cache_read__input_tokens": 200, "gen_ai__usage__output_tokens": 6}  # fmt: skip
    take(receiver, span(1, scope="openlit.instrumentation.anthropic", gen_ai__provider__name="anthropic", **names))
    take(receiver, span(2, scope="opentelemetry.instrumentation.anthropic", gen_ai__system="anthropic", **names))
    assert store.read("SELECT input_fresh, cache_read FROM v_requests ORDER BY 1")[1] == [(300, 200), (500, 200)]


def test_an_engine_behind_its_client_is_ours_and_counts_once(store, receiver):
    """The span of vLLM inside the caller's: one request, on our side, whichever comes first."""
    client = usage(1, 0, (50, 5), gen_ai__request__model="llama-own")
    engine = span(2, 1, scope="vllm.llm_engine", gen_ai__request__model="llama-own", gen_ai__usage__prompt_tokens=50,
                  gen_ai__usage__completion_tokens=5)  # fmt: skip
    take(receiver, client, engine)
    assert store.read("SELECT side, provider, total_input FROM v_requests")[1] == [("self_hosted", "own", 50)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"gen_ai__usage__input_tokens": -5}, "gen_ai.usage.input_tokens"),
        ({"gen_ai__usage__reasoning__output_tokens": 50}, "gen_ai.usage.reasoning.output_tokens"),
        ({"gen_ai__usage__output_tokens": "many"}, "gen_ai.usage.output_tokens"),
    ],
)
def test_a_bad_span_is_counted_and_loses_nothing_beside_it(store, receiver, change, field):
    message = together(usage(1, 0, (50, 5)), usage(2, 0, (50, 5), **change), usage(3, 0, (50, 5)))
    answer = receiver.take(TRACES, message.SerializeToString(), PROTOBUF, "", NOW)
    told = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, told.rejected_spans) == (200, 1)
    assert told.error_message.startswith(field)
    assert store.read("SELECT field FROM rejected FINAL")[1] == [(field,)]
    assert totals(store)[0] == 2


def test_json_and_protobuf_give_equal_rows_and_answers(store, receiver):
    text = {"resourceSpans": [{"scopeSpans": [{"spans": [
        {"traceId": "74" * 16, "spanId": "0000000000000001", "startTimeUnixNano": str(int(START.timestamp()) * 10**9 + 10**9), "kind": 3,
         "someNewField": 1, "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}, {"key": "gen_ai.provider.name", "value": {"stringValue": "openai"}},
            {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o"}}, {"key": "gen_ai.usage.input_tokens", "value": {"intValue": 50}},
            {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "5"}}]}]}]}]}  # fmt: skip
    assert receiver.take(TRACES, json.dumps(text).encode(), "application/json; charset=utf-8", "", NOW).body == b"{}"
    take(receiver, usage(1, 0, (50, 5)))
    assert totals(store) == (1, 50, 5)
    bad = receiver.take(TRACES, b'{"resourceSpans": 5}', JSON, "", NOW)
    assert (bad.status, list(json.loads(bad.body))) == (400, ["message"])


def test_metrics_count_is_limited_like_spans(receiver):
    message = ExportMetricsServiceRequest()
    points = message.resource_metrics.add().scope_metrics.add().metrics.add(name="x").gauge.data_points
    for _ in range(20_001):
        points.add()
    assert receiver.take(METRICS, message.SerializeToString(), PROTOBUF, "", NOW).status == 413


def test_a_file_of_traces_is_imported_like_what_is_sent(store, prices, tmp_path):
    """Lines of a Collector's file exporter: the sample, a real sender's body, a broken one; again they are duplicates."""
    from collector.importer import Plan, import_file
    from collector.sources.requests_log import Defaults

    sample = (DATA / "otlp_traces.json").read_text().strip()
    sent = json.dumps(json.loads((OTLP / "node-json.traces.01.json").read_text()))
    path = tmp_path / "traces.jsonl"
    path.write_text(f'{sample}\n{sent}\n{{"resourceSpans": 5}}\n')
    for expected in ((4, 0, 1), (0, 4, 1)):
        report = import_file(store, prices, Attribution(), path, Plan({}, Defaults()), NOW)
        assert (report.counts.accepted, report.counts.duplicate, report.counts.rejected) == expected
    found = store.read(
        "SELECT provider, model, total_input, cache_read, cache_write_other, output, key, team FROM v_requests WHERE total_input > 1000"
    )[1]
    assert found == [("anthropic", "claude-sonnet-5", 6020, 5000, 1000, 300, "checkout-bot", "shop")]
