"""Token metrics of services that send no spans: what was used, once, from captured bodies and made ones."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from made import DATA, request
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from collector.attribution import Attribution
from collector.receivers.loader import Loader
from collector.receivers.otlp import JSON, METRICS, PROTOBUF, TRACES, Receiver
from ledger.costing import report
from ledger.costing.declared import Declared
from ledger.costing.tick import tick
from ledger.prices.register import PriceRegister
from ledger.records import UsageBucket

OTLP = DATA / "otlp"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
NANO = 10**9


def receiver(store, *services):
    return Receiver(Loader(store, PriceRegister(store), Attribution()), 20 << 20, services)


def send(door, name):
    kind = PROTOBUF if name.endswith(".pb") else "application/json"
    return door.take(METRICS, (OTLP / name).read_bytes(), kind, "", NOW)


def stored(store):
    rows = store.read(
        "SELECT model, sum(input_fresh), sum(output), sum(n_requests) FROM v_usage_buckets GROUP BY model ORDER BY model"
    )[1]
    return {model: figures for model, *figures in rows}


@pytest.mark.parametrize(
    ("prefix", "service", "truth"),
    [
        ("openai-v2", "demo-app", {"gpt-4o-mini-2024-07-18": [21, 7, 1], "text-embedding-3-small": [5, 0, 1]}),
        ("openlit", "demo-app", {"gpt-4o-mini-2024-07-18": [64, 17, 3], "text-embedding-3-small": [5, 0, 1], "gpt-5-mini": [30, 9, 1]}),
        ("litellm-sdk", "litellm", {"gpt-4o-mini": [21, 7, 2], "claude-sonnet-4-5": [311, 6, 1]}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("again", [False, True], ids=["one-receiver", "started-again-between"])
def test_cumulative_exports_count_once(store, prefix, service, truth, again):
    """Later exports of the same counters add nothing, also when sent twice or after our own restart."""
    door = receiver(store, service)
    for path in sorted(OTLP.glob(f"{prefix}.metrics.*.pb")) * 2:
        assert send(door, path.name).status == 200
        door = receiver(store, service) if again else door
    assert stored(store) == truth


def test_only_named_services_count_and_a_metric_without_provider_is_said(store):
    send(receiver(store), "openlit.metrics.01.pb")
    send(receiver(store, "another"), "openlit.metrics.01.pb")
    assert stored(store) == {}
    answer = send(receiver(store, "node-app"), "node-json.metrics.01.json")
    assert json.loads(answer.body)["partialSuccess"]["errorMessage"] == "gen_ai.provider.name: missing"
    assert store.read("SELECT field FROM rejected")[1] == [("gen_ai.provider.name",)]


def attributes(**given):
    return [KeyValue(key=k.replace("__", "."), value=AnyValue(string_value=v)) for k, v in given.items()]


def export(points, *, cumulative=True, name="gen_ai.client.token.usage", instance="i1"):
    """Return a request with points of (kind, start s, time s, sum, count)."""
    message = METRICS.request()
    resource = message.resource_metrics.add()
    resource.resource.attributes.extend(attributes(service__name="app", service__instance__id=instance))
    scope = resource.scope_metrics.add()
    for kind, start, time, total, count in points:
        counter = name.endswith(".")
        metric = scope.metrics.add(name=name + kind if counter else name)
        data = metric.sum if counter else metric.histogram
        data.aggregation_temporality = 2 if cumulative else 1
        marks = attributes(gen_ai__provider__name="openai", gen_ai__response__model="gpt-4o-mini")
        if not counter:
            marks += attributes(gen_ai__token__type=kind)
        base = int(NOW.timestamp()) - 7200
        point = data.data_points.add(
            start_time_unix_nano=(base + start) * NANO, time_unix_nano=(base + time) * NANO, attributes=marks
        )
        if counter:
            point.as_int = total
        else:
            point.sum, point.count = total, count
    return message


def tell(door, *messages):
    for message in messages:
        answer = door.take(METRICS, message.SerializeToString(), PROTOBUF, "", NOW)
        assert answer.status == 200


def test_a_counter_that_began_again_is_a_new_one(store):
    """10, 30, then the process starts again: 5; a decrease under the same start counts from nothing; late repeats add nothing."""
    steps = [("input", 0, 60, 10, 1), ("input", 0, 120, 30, 2), ("input", 130, 180, 5, 1), ("input", 130, 240, 2, 1)]
    door = receiver(store, "app")
    tell(door, *(export([step]) for step in steps), *(export([step]) for step in steps))
    assert stored(store) == {"gpt-4o-mini": [30 + 5 + 2, 0, 2 + 1 + 1]}


def test_deltas_are_taken_as_they_are_and_a_repeat_replaces(store):
    first, second = (
        export([("input", 0, 60, 10, 1)], cumulative=False),
        export([("input", 60, 120, 7, 1)], cumulative=False),
    )
    tell(receiver(store, "app"), first, second, first)
    assert stored(store) == {"gpt-4o-mini": [17, 0, 2]}


def test_two_instances_of_a_service_are_two(store):
    step = [("input", 0, 60, 10, 1)]
    tell(receiver(store, "app"), export(step, instance="a"), export(step, instance="b"))
    assert stored(store) == {"gpt-4o-mini": [20, 0, 2]}


def test_new_counters_tell_cached_tokens(store):
    points = [
        ("input_tokens", 0, 60, 100, 0),
        ("cache_read.input_tokens", 0, 60, 60, 0),
        ("output_tokens", 0, 60, 9, 0),
    ]
    tell(receiver(store, "app"), export(points, name="gen_ai.client.inference.usage."))
    found = store.read("SELECT input_fresh, cache_read, output, n_requests FROM v_usage_buckets")[1]
    assert found == [(40, 60, 9, None)]


@pytest.mark.parametrize("first", ["metrics", "spans"])
def test_of_a_service_that_sends_both_the_spans_count_for_the_day(store, first):
    """Signal precedence: a span tells the call itself, and a metric may be short of it."""
    there = receiver(store, "app")
    metrics = export([("input", 0, 60, 1_000_000, 1), ("output", 0, 60, 1_000_000, 1)])
    at = NOW - timedelta(hours=5)
    span = {"traceId": "1" * 32, "spanId": "2" * 16, "startTimeUnixNano": str(int(at.timestamp()) * 10**9), "attributes": [
        {"key": name, "value": value} for name, value in {
            "gen_ai.operation.name": {"stringValue": "chat"}, "gen_ai.provider.name": {"stringValue": "openai"},
            "gen_ai.request.model": {"stringValue": "gpt-4o-mini"}, "gen_ai.usage.input_tokens": {"intValue": "1000000"},
        }.items()]}  # fmt: skip
    about = {"attributes": [{"key": "service.name", "value": {"stringValue": "app"}}]}
    traces = {"resourceSpans": [{"resource": about, "scopeSpans": [{"spans": [span]}]}]}
    PriceRegister(store).resolve([("openai", "gpt-4o-mini", "standard", "")], NOW)

    def spans():
        assert there.take(TRACES, json.dumps(traces).encode(), JSON, "", NOW).status == 200

    told = {"metrics": lambda: tell(there, metrics), "spans": spans}
    told[first]()
    tick(store, Declared(), NOW)
    next(tell_ for name, tell_ in told.items() if name != first)()
    tick(store, Declared(), NOW)
    (row,), _ = report.cost(store, by=["provider"])
    assert (row.cost, row.reported_cost) == (Decimal("0.15"), Decimal(0))
    assert store.read("SELECT count() FROM v_usage_buckets")[1] == [(1,)]  # kept, and set aside


def test_spans_that_tell_no_tokens_set_no_metrics_aside(store):
    """A refused call and a stream without usage: what they cost is in the metrics alone."""
    there = receiver(store, "app")
    about = {"attributes": [{"key": "service.name", "value": {"stringValue": "app"}}]}
    names = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini"}
    begun = str(int((NOW - timedelta(hours=5)).timestamp()) * 10**9)
    spans = [
        {"traceId": digit * 32, "spanId": digit * 16, "startTimeUnixNano": begun, "status": {"code": 2} if error else {},
         "attributes": [{"key": key, "value": {"stringValue": text}} for key, text in {**names, **error}.items()]}
        for digit, error in (("1", {"error.type": "429"}), ("2", {}))
    ]  # fmt: skip
    traces = {"resourceSpans": [{"resource": about, "scopeSpans": [{"spans": spans}]}]}
    PriceRegister(store).resolve([("openai", "gpt-4o-mini", "standard", "")], NOW)
    assert there.take(TRACES, json.dumps(traces).encode(), JSON, "", NOW).status == 200
    tell(there, export([("input", 0, 60, 1_000_000, 1), ("output", 0, 60, 1_000_000, 1)]))
    tick(store, Declared(), NOW)
    assert store.read("SELECT count() FROM v_requests")[1] == [(2,)]
    (row,), _ = report.cost(store, by=["provider"])
    assert (row.cost, row.reported_cost) == (Decimal("0.75"), Decimal("0.75"))


def test_they_cost_beside_requests_and_never_beside_reports(store):
    """A service with metrics only counts beside another's requests; once the provider reports the day, that is all of it."""
    tell(receiver(store, "app"), export([("input", 0, 60, 1_000_000, 1), ("output", 0, 60, 1_000_000, 1)]))
    PriceRegister(store).resolve([("openai", "gpt-4o-mini", "standard", "")], NOW)
    store.add([request(NOW - timedelta(hours=2), 1, input_fresh=1_000_000)])
    tick(store, Declared(), NOW)
    (row,), _ = report.cost(store, by=["provider"])
    assert (row.cost, row.reported_cost, row.approximate_cost) == (Decimal("0.90"), Decimal("0.75"), Decimal("0.75"))
    store.add(
        [
            UsageBucket(
                "o", "o", "openai", "completions", NOW - timedelta(hours=2), 3600, "gpt-4o-mini", output=1_000_000
            )
        ]
    )
    tick(store, Declared(), NOW)
    assert report.cost(store, by=["provider"])[0][0].cost == Decimal("0.90")
    tick(store, Declared(reported=("openai",)), NOW)
    assert report.cost(store, by=["provider"])[0][0].cost == Decimal("0.60")
