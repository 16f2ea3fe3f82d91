"""One open ledger with everything that works on it: what a command, a job and a page request have in common."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from breakeven.config import with_password
from collector.attribution import Attribution
from collector.pull import Puller
from ledger.costing import report, vintage
from ledger.costing.declared import Declared, is_foreign
from ledger.costing.idleness import Standing, Window, standing
from ledger.costing.pools import unpriced
from ledger.costing.reconcile import Reconciled, reconcile
from ledger.costing.tick import Tick, tick
from ledger.errors import ConfigError
from ledger.prices.register import PriceRegister
from ledger.prices.witness import Agreement, agreements
from ledger.store import Store
from ledger.verdict.evaluate import FIRST_DAYS, evaluate, with_tests
from ledger.verdict.explain import shared
from ledger.verdict.history import boxes, read
from ledger.verdict.remember import accept, memories, moved, realised
from ledger.verdict.weigh import facts_at
from ledger.verdict.whatif import backtest, whatif

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from breakeven.config import Config
    from ledger.records import Verdict
    from ledger.verdict.capacity import Slo
    from ledger.verdict.history import History
    from ledger.verdict.remember import Realised
    from ledger.verdict.whatif import Answer, Backtest, Change


_MAKING = threading.Lock()
"""Two questions at once must not make the same vintage twice."""


@dataclass(slots=True)
class Service:
    """A store with its configuration; `demo` marks made-up data, `foreign` that the configuration is elsewhere.

    `at` stops its clock: the demo of a given day is the same whenever it is made.
    """

    config: Config
    store: Store
    prices: PriceRegister
    demo: bool = False
    foreign: bool = False
    at: datetime | None = None

    @classmethod
    def open(cls, config: Config, url: str = "", *, without_file: bool = False) -> Self:
        """Open the store (`url` wins over the configuration) and bring its schema up to date.

        `without_file`: no configuration was found. Pools, overheads and prices that another one declared then stay
        as they are, in place of being undeclared.
        """
        place = with_password(url or config.store.url)
        given = config.store
        store = Store(place, http=given.http, reader_password=given.reader_password, cluster=given.cluster)
        store.migrate()
        if not store.server:
            store.sync(on=given.durable)
        foreign = without_file and is_foreign(store)
        return cls(
            config,
            store,
            PriceRegister(store, config.prices.override, config.prices.negotiated, frozen=foreign),
            foreign=foreign,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    def declared(self) -> Declared:
        """Return what the configuration declares, with capacities that were measured since."""
        return self.config.declared().with_capacities(self.store.ask("ledger.costing", "capacities"))

    def slo(self, deployment: str) -> Slo:
        """Return the latency objective of a deployment."""
        return self.config.deployments[deployment].slo

    @property
    def attribution(self) -> Attribution:
        """Return the rules that place requests into workloads and deployments."""
        declared = self.config.declared()
        return Attribution(declared.workloads, declared.deployments)

    @property
    def puller(self) -> Puller:
        """Return what asks the configured sources."""
        return Puller(self.store, self.prices, self.attribution, self.config.asked())

    def now(self) -> datetime:
        """Return the instant that costs and verdicts go up to."""
        return self.at or datetime.now(UTC)

    def tick(self, progress: Callable[[int, int], None] | None = None) -> Tick:
        """Bring the derived tables up to the facts."""
        return tick(self.store, self.declared(), self.now(), progress, pools=not self.foreign)

    def vintage(self, prices: str, told: Callable[[int, int], None] | None = None) -> str:
        """Return the vintage of `booked`, `current` or `as-of:DATE`, worked out up to what is booked; ConfigError."""
        if prices == vintage.BOOKED:
            return prices
        wanted = vintage.Vintage.of(prices, self.now())
        if self.foreign:
            raise ConfigError(
                f"--prices {prices}: pools and overheads of this store are declared elsewhere; name it with --config"
            )
        self.prices.refresh(self.now())
        with _MAKING:
            vintage.refresh(self.store, self.declared(), wanted, self.now(), told)
        return wanted.name

    def vintages(self) -> list[dict[str, Any]]:
        """Return the vintages that were made."""
        return vintage.known(self.store)

    def agreements(self, since: datetime) -> list[Agreement]:
        """Hold the prices used since an instant against second sources."""
        second = self.config.prices.second
        return agreements(self.store, since, Path(second).expanduser() if second else None)

    def reconcile(self, start: datetime, end: datetime) -> list[Reconciled]:
        """Hold what was metered in a span against the bills."""
        return reconcile(self.store, self.prices, start, end)

    def standings(self, now: datetime) -> dict[str, Standing]:
        """Say of each pool whether an idle alert is due, over 24 hours and 7 days."""
        spares = {pool.name for pool in self.declared().pools if pool.spare}
        windows: dict[str, list[Window]] = defaultdict(list)
        for hours in (24, 168):
            for one in report.idle(self.store, now, hours):
                windows[one.pool].append(one.window)
        limits = self.config.alerts.limits.idle
        return {pool: standing(found, limits, spare=pool in spares) for pool, found in windows.items()}

    def unpriced_gpus(self, now: datetime) -> list[tuple[str, str]]:
        """Return (host, GPU) of the last day that report and that no pool pays for."""
        return [] if self.foreign else unpriced(self.store, self.declared(), now)

    def judged(self, workload: str = "", as_of: datetime | None = None) -> list[dict[str, Any]]:
        """Judge one workload or all, with everything that explains a verdict; nothing is stored."""
        names = [workload] if workload else []
        found = evaluate(
            self.store, self.prices, self.declared(), as_of or self.now(), self.config.settings(), names=names,
            keep=False, deep=True,
        )  # fmt: skip
        return [{**dataclasses.asdict(one), "details": json.loads(one.details)} for one in found]

    def shared(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return own deployments that several of these verdicts want."""
        return shared(rows, {name: box.replicas for name, box in boxes(self.declared(), self.now()).items()})

    def _history(self, workload: str, days: int = FIRST_DAYS) -> dict[str, History]:
        names = [workload] if workload else []
        return read(self.store, self.prices, self.declared(), self.now(), days, names=names, widths=self._widths())

    def _widths(self) -> dict[str, int]:
        return {name: terms.bucket_s for name, terms in self.config.settings().terms.items()}

    def accept(self, workload: str) -> None:
        """Store that a person accepts what is recommended, with its forecast; raises ValueError."""
        self.tick()
        self.evaluate()
        (row,) = self.judged(workload)
        facts, bound = row["details"]["facts"], row["details"]["bound"]
        priced = [o for o in facts["api"] if o["usd"] is not None]
        old = min(priced, key=lambda o: (o["usd"], o["deployment"]), default={"deployment": ""})
        advised = memories(self.store).get(workload)
        label, option, replicas = (advised.candidate if advised and advised.candidate else "||").split("|")
        forecast = {
            "label": label, "option": option, "replicas": int(replicas or 0),
            "saving_usd_day": bound["mean"] if bound else None, "from": row["current"],
            "from_option": old["deployment"] if row["current"] == "api" else "",
        }  # fmt: skip
        accept(self.store, workload, forecast)

    def moved(self, workload: str, day: date) -> None:
        """Store that the traffic of a workload moved on a day."""
        moved(self.store, workload, day)

    def realised(self, workload: str) -> Realised | None:
        """Hold the last accepted forecast against what came of it; None where none was accepted."""
        if not self.store.ask("ledger.verdict", "answers", workload=workload):
            return None
        return realised(self.store, self._history(workload)[workload])

    def backtests(self, workload: str = "") -> list[tuple[str, int, list[Backtest]]]:
        """Follow the history of one workload or all through the advice: name, days, one result an own deployment."""
        priced, settings = boxes(self.declared(), self.now()), self.config.settings()
        return [(name, h.days, backtest(h, priced, settings)) for name, h in self._history(workload).items()]

    def whatif(self, workload: str, change: Change) -> Answer:
        """Judge a workload under other prices, volume or replicas."""
        declared, settings = self.declared(), with_tests(self.store, self.config.settings())
        history = self._history(workload, 28)[workload]
        sizes = {d.name: max(1, d.gpus_per_replica) for d in declared.own}
        return whatif(facts_at(history, history.days - 1, boxes(declared, self.now()), settings), change, sizes)

    def evaluate(self) -> list[Verdict]:
        """Judge every declared workload now."""
        return evaluate(self.store, self.prices, self.declared(), self.now(), self.config.settings())
