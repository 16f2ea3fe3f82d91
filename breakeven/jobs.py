"""What runs by itself: cost tick, verdicts, price refresh, retention; each run is written down."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING

from apscheduler.schedulers.background import BackgroundScheduler

from breakeven import exports, metrics, otel
from breakeven.alerting import Alerting
from breakeven.digest import digest, due, week_before
from breakeven.lease import Lease
from breakeven.roles import COLLECT, SCHEDULE
from ledger.costing.reconcile import reconcile
from ledger.errors import BreakevenError
from ledger.records import JobRun, SourceState, signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from breakeven.service import Service

log = logging.getLogger("breakeven.jobs")
TICK_S = 10
SOURCES_S = 60
RECONCILE_S = 3600
RECONCILED_DAYS = 41
"""The open invoice month and the ten days in which the one before is still revised."""
VERDICT_S = 3600
PRICES_S = 12 * 3600
RETENTION_S = 24 * 3600
MERGE_S, MERGE_FIRST = 24 * 3600, timedelta(hours=1)
"""Merging reads and writes whole months: not while a service has just come up."""
MOST_MERGED = 200_000_000
"""Rows of a month above which its merging is left to the engine: it would keep a disk busy for an hour."""
ALERTS_S = 15
EXPORTS_S, RETRY_S = 5, 300
CLOCK_S, MOVED_S = 2.0, 5.0
"""How often the clock is looked at, and from how many seconds on it was set."""
MIN_KEPT_DAYS = 62
"""The open invoice month and the days in which bills are still restated: never dropped."""


def _group(name: str) -> str:
    return COLLECT if name == "sources" else SCHEDULE


class Jobs:
    """The jobs of one service, one at a time: a tick never meets another, and who is slow outside stops none.

    Where several programs work on one store, those of a group run in the one that holds its lease.
    """

    def __init__(self, service: Service, groups: tuple[str, ...] = (COLLECT, SCHEDULE)) -> None:
        self.service = service
        self.leases = {group: Lease(service.store, group) for group in groups}
        self.last: dict[str, JobRun] = {}
        self._one, self._asking = threading.Lock(), threading.Lock()
        self._alerting, self._looked = Alerting(service), dict[str, datetime]()
        self._told_week: datetime | None = None
        self._exported: dict[str, datetime] = {}
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._stopping = threading.Event()
        self._watch = threading.Thread(target=self._watch_clock, name="clock", daemon=True)
        for name, seconds, action in (
            ("cost", TICK_S, self.cost),
            ("verdict", VERDICT_S, self.verdict),
            ("sources", SOURCES_S, self.sources),
            ("reconciliation", RECONCILE_S, self.reconciliation),
            ("prices", PRICES_S, self.prices),
            ("retention", RETENTION_S, self.retention),
            ("merge", MERGE_S, self.merge),
            ("alerts", ALERTS_S, self.alerts),
            *([("exports", EXPORTS_S, self.exports)] if service.config.exports else []),
        ):
            if _group(name) not in groups:
                continue
            first = datetime.now(UTC) + (MERGE_FIRST if name == "merge" else timedelta())
            self._scheduler.add_job(
                self._in_turn, "interval", seconds=seconds, args=(name, action), id=name, max_instances=1,
                coalesce=True, misfire_grace_time=seconds, next_run_time=first,
            )  # fmt: skip

    def start(self) -> None:
        """Begin, and write down which program keeps the store; each job but the merging runs once at the start."""
        if not self.leases:
            return
        declared = hashlib.sha256(repr(self.service.config.declared()).encode()).hexdigest()[:12]
        build = {
            "version": version("breakeven"),
            "config": declared,
            "started": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        }
        self.service.store.add([SourceState("breakeven", "build", json.dumps(build))])
        self._scheduler.start()
        self._watch.start()

    def stop(self) -> None:
        """Let the running job end and begin no other."""
        if not self._scheduler.running:
            return
        self._stopping.set()
        self._scheduler.shutdown(wait=True)
        for lease in self.leases.values():
            with contextlib.suppress(BreakevenError):  # it ends by itself
                lease.release()

    def _watch_clock(self) -> None:
        """See to it that jobs go on when the clock is set: the next run of each lies at an instant of the old one."""
        offset = time.time() - time.monotonic()
        while not self._stopping.wait(CLOCK_S):
            moved = time.time() - time.monotonic() - offset
            if abs(moved) < MOVED_S:
                continue
            log.warning("the clock was set by %+.0f s; all jobs begin anew", moved)
            offset += moved
            with self._asking, self._one:
                self._looked.clear()
                self._exported.clear()
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=datetime.now(UTC))

    def _in_turn(self, name: str, action: Callable[[], str]) -> None:
        """Run a job if this program holds the lease of its group."""
        try:
            if not self.leases[_group(name)].holds(datetime.now(UTC)):
                return
        except BreakevenError as error:
            log.warning("job %s: its lease cannot be read: %s", name, error)
            return
        self.run(name, action)

    def run(self, name: str, action: Callable[[], str]) -> None:
        """Run one job and write down what it did or why it failed; a failure is tried again at its next time."""
        with self._asking if name in ("sources", "exports", "merge") else self._one:
            started = datetime.now(UTC)
            try:
                note, outcome = action(), "ok"
            except BreakevenError as error:
                note, outcome = str(error), "failed"
                log.warning("job %s: %s", name, error)
            done = JobRun(name, started, datetime.now(UTC), outcome, note)
            before = self.last.get(name)
            self.last[name] = done
            if note or before is None or before.outcome != outcome:
                self._write(done)

    def _write(self, run: JobRun) -> None:
        try:
            self.service.store.add([run])
        except BreakevenError as error:
            log.warning("job %s cannot be written down: %s", run.job, error)

    def cost(self) -> str:
        """Rebuild the hours whose facts changed; says nothing when there were none."""
        did = self.service.tick()
        changed = did.request_hours + did.pool_hours
        return f"{did.request_hours} request hours, {did.pool_hours} pool hours" if changed else ""

    def verdict(self) -> str:
        """Judge every declared workload."""
        return ", ".join(f"{v.workload}: {v.verdict}" for v in self.service.evaluate()) or "no workload is declared"

    def sources(self) -> str:
        """Ask the providers whose time has come; says nothing when there was none."""
        puller = self.service.puller
        told = []
        for given, stream in puller.due(datetime.now(UTC)):
            health = puller.poll(given, stream, datetime.now(UTC))
            told.append(f"{given.name} {stream.name}: {health.error or f'{health.rows} rows'}")
        return "; ".join(told)

    def reconciliation(self) -> str:
        """Hold the days that may still change against their bills."""
        now = datetime.now(UTC)
        days = reconcile(self.service.store, self.service.prices, now - timedelta(days=RECONCILED_DAYS), now)
        return f"{len(days)} days" if days else ""

    def prices(self) -> str:
        """Load the price book if it changed, renew prices of the time of day, and say how prices in use stand."""
        now = datetime.now(UTC)
        rows = self.service.prices.refresh(now)
        found = self.service.agreements(now - timedelta(days=30))
        age = self.service.prices.book(now)["age_days"]
        signals = [] if age is None else [signal("price_book_age_days", now, age)]
        for one in found:
            labels = {"provider": one.provider, "model": one.model, "variant": one.variant}
            signals.append(signal("price_disputed", now, float(one.standing == "disputed"), labels))
        self.service.store.add(signals)
        disputed = sum(one.standing == "disputed" for one in found)
        return f"{rows} new price rows" + (f", {disputed} prices in use are disputed" if disputed else "")

    def alerts(self) -> str:
        """Look at the rules whose time has come, and send what waits; says nothing when nothing was told."""
        if self.service.config.alerts.engine == "off":
            return ""
        for group, at in self._alerting.due(datetime.now(UTC), self._looked):
            self._alerting.look(group, at)
            self._looked[group] = at
        self._tell_week(datetime.now(UTC))
        sent = self._alerting.deliver(datetime.now(UTC))
        return ", ".join(f"{one.rule} to {one.channel}: {one.state}" for one in sent)

    def _tell_week(self, now: datetime) -> None:
        """Tell the week before on Mondays, once."""
        start, end = week_before(now)
        if due(now) and self._told_week != start:
            self._alerting.announce(digest(self.service, start, end).message(self.service.config.alerts.url), now)
            self._told_week = start

    def exports(self) -> str:
        """Write the files whose time has come, and send headline costs; says nothing when nothing was written.

        One that fails is tried again after five minutes and stops no other; the first failure is the job's.
        """
        now, told, failures = datetime.now(UTC), [], []
        due = {one.name for one in exports.due(self.service, now)}
        for one in self.service.config.exports.values():
            last = self._exported.get(one.name)
            wait = one.every_seconds if one.kind == "otlp" else RETRY_S
            if (one.kind != "otlp" and one.name not in due) or (last and now - last < timedelta(seconds=wait)):
                continue
            self._exported[one.name] = now  # first: a receiver that is down is not asked every five seconds
            try:
                if one.kind == "otlp":
                    otel.push(one, metrics.collected(self.service.store, {}, now), now)
                else:
                    told.append(f"{one.name}: {len(exports.scheduled(self.service, one, now))} files")
            except BreakevenError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        return "; ".join(told)

    def retention(self) -> str:
        """Drop whole months that are past their days."""
        kept = self.service.config.retention
        dropped = []
        for table, days in (("requests", kept.requests_days), ("gpu_samples", kept.gpu_samples_days)):
            if not days:
                continue
            before = datetime.now(UTC) - timedelta(days=max(days, MIN_KEPT_DAYS))
            for row in self.service.store.ask("breakeven", "old_months", table=table, before=before):
                self.service.store.tell("breakeven", f"drop_month_{table}", month=row["month"])
                dropped.append(f"{table} {row['month']}")
        return ", ".join(dropped)

    def merge(self) -> str:
        """Merge months that lie in many parts; says how many. A tick may write to them meanwhile."""
        store, before = self.service.store, datetime.now(UTC) - timedelta(days=RECONCILED_DAYS)
        months = store.ask("breakeven", "months_to_merge", facts_before=before, most_rows=MOST_MERGED)
        for row in months:
            store.tell("breakeven", "merge_month", table=row["table"], month=row["month"])
        return f"{len(months)} months of tables" if months else ""
