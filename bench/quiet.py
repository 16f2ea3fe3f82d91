"""Sixty quiet days of twenty workloads through the alerts: how many would have been told, and of what.

Run with `python -m bench.quiet`. Spend has a weekly and a daily shape, noise of 5 to 30 % by the day and 20 % by the
hour, and nothing unusual in it; four GPUs of a pool work, wait for ten hours, and lose their telemetry now and then.
"""

from __future__ import annotations

import math
import random
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from breakeven.alerting import Alerting
from breakeven.config import parse
from breakeven.service import Service
from ledger.records import CostHour, GpuHour

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKLOADS, DAYS, BEFORE = 20, 60, 57
END = datetime(2026, 11, 25, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEEK = (1.0, 1.05, 1.05, 1.0, 0.95, 0.55, 0.45)


def main() -> int:
    """Fill a store, simulate, print."""
    settings = parse({"pools": {"lab": {"gpus": 4, "usd_per_gpu_hour": 2}}})
    with tempfile.TemporaryDirectory() as folder, Service.open(settings, folder) as service:
        service.at = END
        generator = random.Random(1)
        _add(service, list(_spend(generator)))
        _add(service, list(_gpus(generator)))
        found = list(Alerting(service).simulate(END - DAYS * 24 * HOUR, END, timedelta(hours=6)))
    counted = Counter(one.rule for one in found)
    spend = sum(n for rule, n in counted.items() if rule.startswith("spend_"))
    years = WORKLOADS * DAYS / 365
    print(f"{WORKLOADS} workloads, {DAYS} quiet days: {spend} spend alerts, {spend / years:.1f} a workload-year")
    print(
        "all that would have been told:", ", ".join(f"{rule} {n}" for rule, n in sorted(counted.items())) or "nothing"
    )
    for one in found:
        print(f"  {one.since:%Y-%m-%d %H:%M} {one.rule}: {one.summary}")
    return 0


def _spend(generator: random.Random) -> Iterator[CostHour]:
    for n in range(WORKLOADS):
        noise = 0.05 + 0.25 * n / (WORKLOADS - 1)
        for day in range(BEFORE + DAYS):
            midnight = END - (BEFORE + DAYS - day) * 24 * HOUR
            level = (20 + 10 * n) * WEEK[midnight.weekday()] * math.exp(generator.gauss(0, noise))
            for hour in range(24):
                share = (1 + math.sin((hour - 8) / 24 * 2 * math.pi)) / 24 * math.exp(generator.gauss(0, 0.2))
                usd = Decimal(f"{level * share:.6f}")
                yield CostHour(
                    midnight + hour * HOUR, "api", "openai", "m", "", "", f"w{n}", "", "", "output", "usage", "booked",
                    usd,
                )  # fmt: skip


def _gpus(generator: random.Random) -> Iterator[GpuHour]:
    for hour in range(24 * (DAYS + 28)):
        at = END - (DAYS + 28) * 24 * HOUR + hour * HOUR
        for gpu in range(4):
            busy = gpu < 3 or hour % 24 >= 10
            state = "unknown" if generator.random() < 0.03 else "serving" if busy else "warm_idle"
            used = 1800.0 if state == "serving" else 0.0
            yield GpuHour(at, "lab", "own", "n1", f"GPU-{gpu}", "", state, 3600.0, used, Decimal(2), None)


def _add(service: Service, rows: list[CostHour] | list[GpuHour]) -> None:
    months: dict[tuple[int, int], list[CostHour | GpuHour]] = {}
    for row in rows:
        months.setdefault((row.hour.year, row.hour.month), []).append(row)
    for part in months.values():
        service.store.add(part)


if __name__ == "__main__":
    sys.exit(main())
