"""G11 to G13, G16, G17: bytes a request, the tick, another vintage beside a rebuild, memory and start-up."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Goal, Spent, median, resident_mb, spent
from ledger.costing.declared import Declared
from ledger.costing.tick import tick
from ledger.costing.vintage import Vintage, refresh
from ledger.prices.register import PriceRegister
from ledger.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAYS, SMALL, LARGE, MORE = 90, 600_000, 3_000_000, 10_000
MODELS = ("gpt-4o-mini", "gpt-4o", "gpt-4.1", "gpt-4.1-mini", "o3-mini", "gpt-4.1-nano", "o3", "o4-mini")


def goals() -> Iterator[Goal]:
    """Fill a small and a large store of ninety days, and do the same to both."""
    ticks: dict[int, Spent] = {}
    for size in (SMALL, LARGE):
        with tempfile.TemporaryDirectory() as folder:
            with Store(Path(folder) / "store") as store:
                filled(store, size)
                with spent(store) as whole:
                    tick(store, Declared(), NOW)
                ticks[size] = median(3, lambda number, s=store, n=size: _more(s, n + number * MORE))
                if size == LARGE:
                    with spent(store) as vintage:
                        refresh(store, Declared(), Vintage.of("current", NOW), NOW)
                    (on_disk,) = store.ask("bench", "size")
                    memory = resident_mb(store)
            if size == LARGE:
                begun = time.perf_counter()
                with Store(Path(folder) / "store") as store:
                    store.ask("breakeven", "ready")
                    start = time.perf_counter() - begun
    yield Goal("G12", f"a tick with {MORE:,} new requests at {LARGE:,}, beside one at {SMALL:,}",
               f"{ticks[LARGE].wall * 1000:.0f} ms", f"{ticks[SMALL].wall * 1000:.0f} ms",
               ticks[LARGE].wall / ticks[SMALL].wall, 1.5, least=False)  # fmt: skip
    yield Goal("G13", f"another vintage of {DAYS} days, beside a rebuild from requests", f"{vintage.wall:.1f} s",
               f"{whole.wall:.1f} s", vintage.wall / whole.wall, 0.2, least=False)  # fmt: skip
    each = on_disk["bytes"] / on_disk["rows"], on_disk["ids"] / on_disk["rows"]
    at = f"{LARGE:,} requests"
    size_ = f"{each[0] - each[1]:.1f} + {each[1]:.1f}"
    yield Goal("G11", "bytes a request on disk, the provider's id of 30 days apart", size_, "–",
                each[0] - each[1], 30, least=False)  # fmt: skip
    yield Goal("G16", f"resident memory of the store process after all this, {at}", f"{memory:.0f} MB", "–",
               memory, 800, least=False)  # fmt: skip
    yield Goal("G17", f"start of the store to its first answer, {at}", f"{start:.2f} s", "–", start, 1.5, least=False)


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


def _more(store: Store, first: int) -> Spent:
    """Bring new requests of the running hour and cost them."""
    start = NOW - timedelta(minutes=40)
    store.tell("bench", "fill", ver=store.next_ver(), first=10**9 + first, count=MORE, start=start, span_ms=1_200_000)
    with spent(store) as took:
        tick(store, Declared(), NOW)
    return took
