"""Headline costs as OpenTelemetry metrics: the figures of /metrics, pushed over OTLP/HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from breakeven import __version__
from ledger.errors import SourceBusy, SourceRefused

if TYPE_CHECKING:
    from datetime import datetime

    from prometheus_client import CollectorRegistry

    from breakeven.export_config import ExportConfig

NAMES = {
    "breakeven_cost_usd": ("breakeven.cost", "{USD}"),
    "breakeven_cost_per_successful_request_usd": ("breakeven.cost.per_successful_request", "{USD}"),
    "breakeven_cost_per_million_tokens_usd": ("breakeven.cost.per_million_tokens", "{USD}"),
    "breakeven_workload_cost_usd": ("breakeven.workload.cost", "{USD}"),
    "breakeven_unpriced_tokens": ("breakeven.tokens.unpriced", "{token}"),
    "breakeven_pool_idle_usd_per_day": ("breakeven.pool.idle_cost_per_day", "{USD}"),
    "breakeven_pool_used_ratio": ("breakeven.pool.used", "1"),
    "breakeven_prices_disputed": ("breakeven.prices.disputed", "{price}"),
    "breakeven_price_book_age_seconds": ("breakeven.price_book.age", "s"),
}
"""Names of Prometheus → name and unit (UCUM) of OpenTelemetry; what is not here is health of the process itself."""


def request(registry: CollectorRegistry, at: datetime) -> ExportMetricsServiceRequest:
    """Return the figures as one OTLP request of gauges; an unknown value has no point."""
    out = ExportMetricsServiceRequest()
    resource = out.resource_metrics.add()
    resource.resource.attributes.append(_attribute("service.name", "breakeven"))
    resource.resource.attributes.append(_attribute("service.version", __version__))
    scope = resource.scope_metrics.add()
    scope.scope.name, scope.scope.version = "breakeven", __version__
    for family in registry.collect():
        if family.name in NAMES and family.samples:
            metric = scope.metrics.add()
            metric.name, metric.unit = NAMES[family.name]
            metric.description = family.documentation
            for sample in family.samples:
                point = metric.gauge.data_points.add()
                point.time_unix_nano = int(at.timestamp() * 10**9)
                point.as_double = sample.value
                point.attributes.extend(_attribute(f"breakeven.{k}", v) for k, v in sorted(sample.labels.items()))
    return out


def _attribute(name: str, value: str) -> KeyValue:
    return KeyValue(key=name, value=AnyValue(string_value=value))


def push(one: ExportConfig, registry: CollectorRegistry, at: datetime) -> int:
    """Send the figures; return how many points. Raises SourceBusy to be tried again, SourceRefused if refused."""
    made = request(registry, at)
    headers = {"Content-Type": "application/x-protobuf"}
    if one.header:
        name, _, value = one.header.partition(":")
        headers[name.strip()] = value.strip()
    try:
        answer = httpx2.post(one.to, content=made.SerializeToString(), headers=headers, timeout=10.0)
    except httpx2.HTTPError as error:
        raise SourceBusy(f"exports.{one.name}: {type(error).__name__}") from None
    if answer.status_code >= 400:
        kind = SourceBusy if answer.status_code in (429, 502, 503, 504) else SourceRefused
        raise kind(f"exports.{one.name}: the receiver answered {answer.status_code}")
    return sum(len(m.gauge.data_points) for r in made.resource_metrics for s in r.scope_metrics for m in s.metrics)
