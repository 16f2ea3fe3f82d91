"""G8 to G14, G16, G17: questions, bytes a request, the tick, another vintage, load, memory and start-up."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from bench import query
from bench.measure import Goal, Spent, median, resident_mb, spent
from ledger.costing.declared import Declared, Pool
from ledger.costing.tick import tick
from ledger.costing.vintage import Vintage, refresh
from ledger.prices.book import BEGIN, END
from ledger.prices.register import PriceRegister
from ledger.records import GpuRate
from ledger.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAYS, SMALL, LARGE, MORE, LOAD = 90, 600_000, 3_000_000, 10_000, 50_000
GPUS, GPU_DAYS = 64, 30
POOL = Declared(rates=(GpuRate("lab", "rented", GPUS, Decimal(2), BEGIN, END, BEGIN),), pools=(Pool("lab", GPUS),))
MODELS = ("gpt-4o-mini", "gpt-4o", "gpt-4.1", "gpt-4.1-mini", "o3-mini", "gpt-4.1-nano", "o3", "o4-mini")


def goals(large: int = LARGE, keep: Path | None = None) -> Iterator[Goal]:
    """Fill a small and a large store of ninety days, and do the same to both.

    `keep`: folder in which the large one stays; one that is there already is not filled again, so nothing is said of
    how long that takes.
    """
    ticks: dict[int, Spent] = {}
    whole: Spent | None = None
    with tempfile.TemporaryDirectory() as folder:
        with Store(Path(folder) / "small") as store:
            filled(store, SMALL)
            tick(store, POOL, NOW)
            ticks[SMALL] = median(3, lambda number: _more(store, SMALL + number * MORE))
        place = (keep or Path(folder)) / "store"
        there = place.exists()
        with Store(place) as store:
            if not there:
                filled(store, large)
                with spent(store) as whole:
                    tick(store, POOL, NOW)
            ticks[large] = median(3, lambda number: _more(store, large + number * MORE))
            if whole is not None:
                with spent(store) as vintage:
                    refresh(store, POOL, Vintage.of("current", NOW), NOW)
                if large > LARGE:  # they take minutes, and their merges as long again
                    read(store)
            merge(store)
            yield from query.goals(store, NOW)
            yield from under_load(store, NOW)
            (on_disk,) = store.ask("bench", "size")
            memory = resident_mb(store)
        begun = time.perf_counter()
        with Store(place) as store:
            store.ask("breakeven", "ready")
            start = time.perf_counter() - begun
    yield Goal("G12", f"a tick with {MORE:,} new requests at {large:,}, beside one at {SMALL:,}",
               f"{ticks[large].wall * 1000:.0f} ms", f"{ticks[SMALL].wall * 1000:.0f} ms",
               ticks[large].wall / ticks[SMALL].wall, 1.5, least=False)  # fmt: skip
    if whole is not None:
        yield Goal("G13", f"another vintage of {DAYS} days, beside a rebuild from requests", f"{vintage.wall:.1f} s",
                   f"{whole.wall:.1f} s", vintage.wall / whole.wall, 0.2, least=False)  # fmt: skip
    each = on_disk["bytes"] / on_disk["rows"], on_disk["ids"] / on_disk["rows"]
    at = f"{large:,} requests"
    size_ = f"{each[0] - each[1]:.1f} + {each[1]:.1f}"
    yield Goal("G11", "bytes a request on disk, the provider's id of 30 days apart", size_, "–",
                each[0] - each[1], 30, least=False)  # fmt: skip
    yield Goal("G16", f"resident memory of the store process after all this, {at}", f"{memory:.0f} MB", "–",
               memory, 800, least=False)  # fmt: skip
    yield Goal("G17", f"start of the store to its first answer, {at}", f"{start:.2f} s", "–", start, 1.5, least=False)


def under_load(store: Store, now: datetime) -> Iterator[Goal]:
    """G14: the same questions again and again, at rest and while rows come in."""
    span = {"from": now - timedelta(days=30), "to": now}

    def asked(seconds: float) -> float:
        took, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end:
            begun = time.perf_counter()
            store.ask("bench.questions", "teams_rollup", **span)
            took.append(time.perf_counter() - begun)
        return statistics.quantiles(took, n=20)[-1]

    still = asked(5)
    ended, rows = threading.Event(), [0]

    def bring() -> None:
        with Store(store.url) as other:
            while not ended.is_set():
                begun = time.perf_counter()
                given = {
                    "first": 2 * 10**9 + rows[0],
                    "count": LOAD,
                    "start": now - timedelta(hours=2),
                    "span_ms": 1000,
                }
                other.tell("bench", "fill", ver=other.next_ver(), **given)
                rows[0] += LOAD
                ended.wait(max(0.0, 1 - (time.perf_counter() - begun)))

    thread = threading.Thread(target=bring)
    begun = time.perf_counter()
    thread.start()
    busy = asked(10)
    ended.set()
    thread.join()
    speed = rows[0] / (time.perf_counter() - begun)
    yield Goal("G14", f"a question while {speed:,.0f} rows a second come in, beside at rest, 95th of 100",
               f"{busy * 1000:.0f} ms", f"{still * 1000:.0f} ms", busy / still, 2, least=False)  # fmt: skip


def filled(store: Store, count: int) -> None:
    """Bring ninety days of requests through the door."""
    store.migrate()
    prices = PriceRegister(store)
    prices.refresh(NOW)
    prices.resolve({("openai", model, "standard", "") for model in MODELS}, NOW)
    each = count // DAYS
    for day in range(DAYS):
        start = NOW - timedelta(days=DAYS - day)
        store.tell("bench", "fill", ver=store.next_ver(), first=day * each, count=each, start=start, span_ms=86_400_000)


def read(store: Store) -> None:
    """Bring thirty days of readings of many GPUs, and have them worked in."""
    for day in range(GPU_DAYS):
        store.tell("bench", "gpus", ver=store.next_ver(), start=NOW - timedelta(days=GPU_DAYS - day))
    tick(store, POOL, NOW)


def merge(store: Store) -> None:
    """Do what the service does at night, as PostgreSQL is given its VACUUM: merge the months.

    A month of which parts are being merged is passed over, so what a load has set going must end first.
    """
    for _ in range(2):
        while store.ask("bench", "merging")[0]["n"]:
            time.sleep(0.5)
        for row in store.ask("breakeven", "months_to_merge", facts_before=NOW + timedelta(days=31), most_rows=10**9):
            store.tell("breakeven", "merge_month", **row)


def _more(store: Store, first: int) -> Spent:
    """Bring new requests of the running hour and cost them."""
    start = NOW - timedelta(minutes=40)
    store.tell("bench", "fill", ver=store.next_ver(), first=10**9 + first, count=MORE, start=start, span_ms=1_200_000)
    with spent(store) as took:
        tick(store, POOL, NOW)
    return took
