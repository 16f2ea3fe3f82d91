"""One evaluation of 200 workloads over 28 days of work by ten seconds, on the embedded store.

Run with `make bench`. Every workload has work in a share of the ten-second buckets (by default all; an argument
names another share) and four options. Prints seconds; the first evaluation of workloads reads all their history.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ledger.costing.declared import Declared, Pool
from ledger.prices.book import BEGIN, END, Override
from ledger.prices.register import PriceRegister
from ledger.records import Deployment, GpuRate, Workload
from ledger.store import Store
from ledger.verdict.evaluate import evaluate

WORKLOADS, DAYS = 200, 28
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def main() -> int:
    """Fill a store, evaluate twice, print."""
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    names = [f"w{n}" for n in range(WORKLOADS)]
    given = Declared(
        rates=(GpuRate("lab", "rented", 8, Decimal(2), BEGIN, END, BEGIN),),
        pools=(Pool("lab", 8),),
        deployments=(
            Deployment("api", "api", "openai", "m", "", [], 1, 0, 0, 0, 0, "", BEGIN),
            Deployment("hosted", "api", "openai", "h", "", [], 1, 0, 0, 0, 0, "", BEGIN),
            Deployment("big", "self_hosted", "own", "a", "lab", [], 1, 2e-5, 0.0, 6e-4, 0.0, "A", BEGIN),
            Deployment("small", "self_hosted", "own", "b", "lab", [], 1, 1e-5, 0.0, 3e-4, 0.0, "A", BEGIN),
        ),
        workloads=tuple(Workload(name, "", "{}", ["api", "hosted", "big", "small"], 1.0, BEGIN) for name in names),
    )
    with tempfile.TemporaryDirectory() as folder, Store(folder) as store:
        store.migrate()
        prices = PriceRegister(
            store, [Override("openai", name, input=Decimal(1), output=Decimal(9)) for name in ("m", "h")]
        )
        prices.resolve([("openai", name, "standard", "") for name in ("m", "h")], NOW)
        begun = time.perf_counter()
        for day in range(DAYS):
            for what in ("work", "traffic", "requests"):
                store.tell("bench", what, start=NOW - timedelta(days=DAYS - day), workloads=WORKLOADS, share=share)
        rows = store.read("SELECT count() FROM work_10s")[1][0][0]
        print(f"{WORKLOADS} workloads, {DAYS} days, {rows:,} ten-second rows ({share:.0%} of all), filled in "
              f"{time.perf_counter() - begun:.0f} s")  # fmt: skip
        for which in ("first", "second"):
            begun = time.perf_counter()
            found = evaluate(store, prices, given, NOW)
            verdicts = sorted({v.verdict for v in found})
            print(f"{which} evaluation: {time.perf_counter() - begun:.1f} s ({', '.join(verdicts)})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
