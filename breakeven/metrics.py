"""Our own figures for Prometheus: headline costs of both sides, idle money, health of jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE

from collector.receivers.loader import RECEIVED
from collector.receivers.segments import standing
from ledger.costing import report

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from collector.receivers.loader import Loader
    from ledger.records import JobRun
    from ledger.store import Store

__all__ = ["CONTENT_TYPE", "collected", "text"]
MOST_WORKLOADS, OTHERS = 100, "(others)"
_WINDOWS = {1: "1h", 24: "24h", 168: "7d", 672: "28d"}


def text(
    store: Store,
    jobs: dict[str, JobRun],
    as_of: datetime,
    asked: list[dict[str, Any]] | None = None,
    failed_logins: int = 0,
    loader: Loader | None = None,
) -> bytes:
    """Return the metrics as Prometheus text; an unknown value has no sample, it is not 0."""
    registry = collected(store, jobs, as_of, asked)
    if loader is not None:
        _received(registry, loader)
    refused = Counter("breakeven_failed_logins", "Requests with a token that does not hold.", registry=registry)
    refused.inc(failed_logins)
    return generate_latest(registry)


def collected(
    store: Store, jobs: dict[str, JobRun], as_of: datetime, asked: list[dict[str, Any]] | None = None
) -> CollectorRegistry:
    """Return all figures by name and labels; how many there are is bounded, whatever is declared."""
    registry = CollectorRegistry()
    cost = Gauge("breakeven_cost_usd", "Everything paid in the window, allocation basis, booked prices.",
                 ["side", "window"], registry=registry)  # fmt: skip
    per_request = Gauge("breakeven_cost_per_successful_request_usd", "Cost over successful requests in the window.",
                        ["side", "window"], registry=registry)  # fmt: skip
    per_mtok = Gauge("breakeven_cost_per_million_tokens_usd", "Cost over input and output tokens in the window.",
                     ["side", "window"], registry=registry)  # fmt: skip
    unpriced = Gauge(
        "breakeven_unpriced_tokens",
        "Tokens without a price in the window.",
        ["side", "window"],
        registry=registry,
    )
    for one in report.rolling(store, as_of):
        labels = (one.side, _WINDOWS[one.window_h])
        cost.labels(*labels).set(float(one.allocation))
        unpriced.labels(*labels).set(one.unpriced_tokens)
        _set(per_request, labels, one.per_request)
        _set(per_mtok, labels, one.per_mtok)
    idle = Gauge("breakeven_pool_idle_usd_per_day", "Unused GPU capacity over 24 hours.", ["pool"], registry=registry)
    used = Gauge("breakeven_pool_used_ratio", "Used over all money of a pool in 24 hours.", ["pool"], registry=registry)
    for pool in report.idle(store, as_of):
        _set(idle, (pool.pool,), pool.idle_per_day)
        _set(used, (pool.pool,), pool.used_share)
    age = Gauge("breakeven_price_book_age_seconds", "Since this version of the book was loaded.", registry=registry)
    disputed = Gauge("breakeven_prices_disputed", "Prices in use that a second source disputes.", registry=registry)
    for row in store.ask("breakeven", "price_signals"):
        _set(age, (), None if row["age_days"] is None else row["age_days"] * 86_400)
        _set(disputed, (), row["disputed"])
    ended = Gauge(
        "breakeven_job_last_end_timestamp_seconds",
        "End of the last run of a job.",
        ["job"],
        registry=registry,
    )
    failed = Gauge("breakeven_job_failed", "1 if the last run of a job failed.", ["job"], registry=registry)
    for name, run in jobs.items():
        ended.labels(name).set(run.ended_at.timestamp())
        failed.labels(name).set(int(run.outcome != "ok"))
    _sources(registry, asked or [])
    _workloads(registry, store, as_of)
    return registry


def _received(registry: CollectorRegistry, loader: Loader) -> None:
    """Tell what the receivers of this process have set aside, and what waits on disk, whoever wrote it."""
    said = "Requests stored before (also by a try of ours that failed later), or told by another row."
    repeats = Counter("breakeven_duplicates", said, ["source"],
                      registry=registry)  # fmt: skip
    for source in RECEIVED:
        repeats.labels(source).inc(loader.repeats[source])
    lost = Counter("breakeven_receive_refused", "Requests of senders that the store refused.", registry=registry)
    lost.inc(loader.refused)
    if loader.place.folder is not None:
        found = standing(loader.place.folder)
        waits = Gauge("breakeven_receive_spool_bytes", "Acknowledged, not yet in the store.", registry=registry)
        waits.set(found.bytes)
        oldest = Gauge("breakeven_receive_spool_oldest_seconds", "Age of the oldest file of it.", registry=registry)
        oldest.set(found.oldest_s)
        broken = Gauge(
            "breakeven_receive_spool_broken_files",
            "Files put aside.",
            registry=registry,
        )
        broken.set(found.broken)


def _workloads(registry: CollectorRegistry, store: Store, as_of: datetime) -> None:
    """Tell what workloads cost in 24 hours; beyond the dearest hundred they are one."""
    cost = Gauge("breakeven_workload_cost_usd", "Cost of a workload in 24 hours: metered tokens, used GPU time.",
                 ["workload", "side"], registry=registry)  # fmt: skip
    end = as_of.replace(minute=0, second=0, microsecond=0)
    rows, _ = report.cost(store, by=("workload", "side"), since=end - timedelta(hours=24), until=end, basis="usage")
    known = sorted((r for r in rows if r.cost is not None and r.group["workload"]), key=lambda r: -(r.cost or 0))
    for number, row in enumerate(known):
        name = row.group["workload"] if number < MOST_WORKLOADS else OTHERS
        cost.labels(name, row.group["side"]).inc(float(row.cost or 0))


def _sources(registry: CollectorRegistry, asked: list[dict[str, Any]]) -> None:
    """Tell how each stream of a source that is asked is doing; one that never succeeded has no time of success."""
    labels = ["source", "stream"]
    success = Gauge("breakeven_source_last_success_timestamp_seconds", "Last complete poll.", labels, registry=registry)
    through = Gauge("breakeven_source_complete_through_timestamp_seconds", "Known up to here.", labels,
                    registry=registry)  # fmt: skip
    failed = Gauge("breakeven_source_failed", "1 if the last poll failed.", labels, registry=registry)
    for row in asked:
        names = (row["source"], row["stream"])
        for gauge, instant in ((success, row["last_success"]), (through, row["complete_through"])):
            if instant is not None:
                gauge.labels(*names).set(instant.timestamp())
        if row["last_asked"] is not None:
            failed.labels(*names).set(int(bool(row["error"])))


def _set(gauge: Gauge, labels: tuple[str, ...], value: Decimal | float | None) -> None:
    if value is not None:
        (gauge.labels(*labels) if labels else gauge).set(float(value))
