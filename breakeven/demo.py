"""The demo: sixty days of plausible telemetry of both sides, with planted faults, in a store of its own."""

from __future__ import annotations

import dataclasses
import math
import random
import tomllib
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from breakeven import show
from breakeven.config import Config, parse
from breakeven.demo_bill import Bill
from collector.attribution import Attribution
from collector.intake import Intake
from ledger.costing import report
from ledger.costing.residual import together
from ledger.costing.tick import floor_hour
from ledger.records import GpuSample, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ledger.costing.reconcile import Reconciled
    from ledger.prices.register import PriceRegister
    from ledger.store import Store

DAYS = 60
PRICE_CHANGE_DAYS = 20
GAP_DAYS = 3
SAMPLE_S = 120
BEGIN, CHANGE = "2000-01-01", "2000-01-02"
"""What stands in demo.toml for the first day and for the day of the price change."""
UNPRICED_MODEL = "gpt-demo-preview"
SOURCE = "demo"
_RHYTHM = [0.15, 0.1, 0.08, 0.08, 0.1, 0.2, 0.45, 0.9, 1.5, 1.9, 2.0, 1.9, 1.6, 1.8, 2.0, 1.9, 1.7, 1.3, 0.9, 0.7,
           0.6, 0.5, 0.35, 0.25]  # fmt: skip
"""Weight of each UTC hour of a working day; the mean is about 1."""


@dataclass(frozen=True, slots=True)
class Planted:
    """What was planted and what became of it."""

    requests: int
    delivered_twice: int
    duplicates_caught: int
    gap: datetime
    unpriced_requests: int
    aborted_usd: Decimal


def text(as_of: datetime) -> str:
    """Return the demo's configuration; its dates are those of a demo made as of an instant."""
    given = files("breakeven").joinpath("demo.toml").read_text("utf-8")
    dates = {
        BEGIN: _midnight(as_of) - timedelta(days=DAYS),
        CHANGE: _midnight(as_of) - timedelta(days=PRICE_CHANGE_DAYS),
    }
    for placeholder, instant in dates.items():
        given = given.replace(placeholder, f"{instant:%Y-%m-%d}")
    return given


def config(as_of: datetime) -> Config:
    """Return the demo's configuration as of an instant."""
    return parse(tomllib.loads(text(as_of)), "demo.toml")


def fill(
    store: Store,
    prices: PriceRegister,
    settings: Config,
    as_of: datetime,
    told: Callable[[float], None] | None = None,
) -> Planted:
    """Write the demo's facts up to `as_of`; the same `as_of` gives the same rows. `told` hears a share of 1."""
    end, start = floor_hour(as_of), _midnight(as_of) - timedelta(days=DAYS)
    attribution = Attribution(settings.declared().workloads, settings.declared().deployments)
    intake = Intake(store, prices, attribution, "demo", as_of)
    total = unpriced = 0
    bill, aborted = Bill(settings), Decimal(0)
    twice: list[Request] = []
    for day in range(DAYS + 1):
        first = start + timedelta(days=day)
        rows = [r for r in _day(first, day, as_of) if r.at < end]
        for row in rows:
            intake.take(row)
        aborted += bill.day(first, [row for row in rows if row.model != UNPRICED_MODEL])
        total += len(rows)
        unpriced += sum(row.model == UNPRICED_MODEL for row in rows)
        if day == DAYS - 7:
            twice = rows
        if told:
            told((day + 1) / (DAYS + 1) * 0.7)
    intake.finish()
    gap = _midnight(as_of) - timedelta(days=GAP_DAYS) + timedelta(hours=14)
    again = Intake(store, prices, attribution, "demo, delivered again", as_of)
    for row in reversed(twice):
        again.take(row)
    caught = again.finish().duplicate
    _samples(store, start, end, gap)
    bill.store(store)
    if told:
        told(1.0)
    return Planted(total, len(twice), caught, gap, unpriced, aborted)


def _day(first: datetime, day: int, as_of: datetime) -> Iterator[Request]:
    rng = random.Random(f"{day}")
    weekend = first.weekday() >= 5
    yield from _support(rng, first, day, 240 if weekend else 780)
    yield from _contracts(rng, first, day, 8 if weekend else 55, as_of)
    yield from _search(rng, first, day, 450 if weekend else 1000)


def _support(rng: random.Random, first: datetime, day: int, count: int) -> Iterator[Request]:
    """Yield an API workload with cached prompts, refused calls, and time-outs that are billed and repeated."""
    for number, at in enumerate(_times(rng, first, count)):
        total = int(rng.lognormvariate(8.5, 0.35))
        cached = int(total * rng.uniform(0.4, 0.6)) if rng.random() < 0.85 else 0
        base = _request(
            at, f"support-{day}-{number}", "api", "anthropic", "claude-demo-sonnet", key="support-prod",
            input_fresh=total - cached, cache_read=cached, output=int(rng.lognormvariate(8.0, 0.4)),
            latency_ms=int(rng.lognormvariate(9.9, 0.4)), ttft_ms=int(rng.lognormvariate(6.5, 0.4)),
        )  # fmt: skip
        chance = rng.random()
        if chance < 0.02:
            yield _failed(base, 429, output=0, billed=False)
            yield _attempt(base, 2, at + timedelta(seconds=2))
        elif chance < 0.03:
            yield _failed(base, 408, output=base.output // 2, billed=True)
            yield _attempt(base, 2, at + timedelta(seconds=31))
        else:
            yield base


def _contracts(rng: random.Random, first: datetime, day: int, count: int, as_of: datetime) -> Iterator[Request]:
    """Yield a small workload that no GPU can earn back; in the last days a few calls go to a model without a price."""
    recent = first >= _midnight(as_of) - timedelta(days=5)
    for number, at in enumerate(_times(rng, first, count)):
        model = UNPRICED_MODEL if recent and number % 25 == 3 else "gpt-demo"
        yield _request(
            at, f"contract-{day}-{number}", "api", "openai", model, key="legal-prod",
            input_fresh=int(rng.lognormvariate(9.4, 0.4)), output=int(rng.lognormvariate(6.4, 0.3)),
            latency_ms=int(rng.lognormvariate(9.0, 0.3)), ttft_ms=int(rng.lognormvariate(6.8, 0.3)),
        )  # fmt: skip


def _search(rng: random.Random, first: datetime, day: int, count: int) -> Iterator[Request]:
    """Yield long documents, summed up on two of our GPUs, with a small share on an API when they are busy."""
    for number, at in enumerate(_times(rng, first, count)):
        away = rng.random() < 0.04
        yield _request(
            at, f"search-{day}-{number}", "api" if away else "self_hosted", "openai" if away else "own",
            "gpt-demo" if away else "mistral-demo-small", key="search-prod",
            input_fresh=int(rng.lognormvariate(11.0, 0.3)), output=int(rng.lognormvariate(8.0, 0.3)),
            latency_ms=int(rng.lognormvariate(11.6, 0.3)), ttft_ms=int(rng.lognormvariate(9.9, 0.3)),
        )  # fmt: skip


def _times(rng: random.Random, first: datetime, count: int) -> list[datetime]:
    hours = rng.choices(range(24), _RHYTHM, k=count)
    return sorted(first + timedelta(hours=h, milliseconds=rng.randrange(3_600_000)) for h in hours)


def _request(at: datetime, name: str, side: str, provider: str, model: str, **more: Any) -> Request:
    return Request(
        at=at, event_key=f"{SOURCE}|{name}|1", side=side, source=SOURCE, provider=provider, model=model,
        environment="prod", request_key=name, **more,
    )  # fmt: skip


def _failed(base: Request, status: int, *, output: int, billed: bool) -> Request:
    if billed:
        return replace(base, status=status, latency_ms=30_000, ttft_ms=None, output=output)
    return replace(base, status=status, latency_ms=30_000, ttft_ms=None, input_fresh=0, cache_read=0, output=0)


def _attempt(base: Request, attempt: int, at: datetime) -> Request:
    return replace(base, at=at, attempt=attempt, event_key=base.event_key[:-1] + str(attempt))


def _samples(store: Store, start: datetime, end: datetime, gap: datetime) -> None:
    """Write readings of four GPUs: two serving, one empty, one with a model that nobody asks; `gap` has none."""
    months: dict[tuple[int, int], list[datetime]] = defaultdict(list)
    for n in range(1, int((end - start).total_seconds()) // SAMPLE_S + 1):
        at = start + timedelta(seconds=n * SAMPLE_S)
        if not gap < at <= gap + timedelta(hours=1):
            months[at.year, at.month].append(at)
    for month, instants in months.items():
        columns: dict[str, list[Any]] = {f.name: [] for f in dataclasses.fields(GpuSample)}
        for gpu in range(4):
            told = _readings(gpu, instants)
            for one in dataclasses.fields(GpuSample):
                columns[one.name] += told.get(one.name, [one.default] * len(instants))
        store.add_columns("gpu_samples", columns, token=f"demo-gpu-{end:%Y%m%d%H}-{month}")


def _readings(gpu: int, instants: list[datetime]) -> dict[str, list[Any]]:
    busy = [_RHYTHM[at.hour] / 2 * (0.5 if at.weekday() >= 5 else 1.0) for at in instants]
    wave = [math.sin(at.timestamp() / 700 + gpu) for at in instants]
    idle_w, work_w = ((70, 58), (68, 55), (42, 0), (64, 0))[gpu]
    watts = [round(idle_w + work_w * b + 4 * w, 1) for b, w in zip(busy, wave, strict=True)]
    size = len(instants)
    return {
        "at": instants, "node": ["lab-1"] * size, "gpu": [f"GPU-demo-{gpu}"] * size, "slice": [""] * size,
        "pool": [""] * size, "dt_s": [float(SAMPLE_S)] * size,
        "util": [round(100 * min(1.0, b + 0.2), 1) if work_w else 0.0 for b in busy], "sm_active": [None] * size,
        "mem_mib": [420 if gpu == 2 else 41_000] * size, "power_w": watts,
        "energy_mj": [int(w * SAMPLE_S * 1000) for w in watts], "reset": [0] * size,
        "processes": [0 if gpu == 2 else 1] * size, "source": [SOURCE] * size,
    }  # fmt: skip


def _midnight(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def summary(store: Store, planted: Planted, as_of: datetime, reconciled: list[Reconciled]) -> dict[str, Any]:
    """Return what the demo shows: money of 30 days on both sides, and each planted fault with what caught it."""
    sides, total = report.cost(store, by=("side",), since=as_of - timedelta(days=30))
    lab = report.idle(store, as_of, 24)[0]
    gap = store.ask("breakeven", "demo_gap", hour=planted.gap)[0]
    bill = together([one.residual for one in reconciled])
    return {
        "cost_30d": {row.group["side"]: row.cost for row in sides},
        "cost_30d_total": total.cost,
        "idle_usd_per_day": lab.idle_per_day,
        "abandoned": [gpu["gpu"] for gpu in lab.gpus if gpu["warm_idle_s"] > 0.9 * gpu["seconds"]],
        "requests": planted.requests,
        "delivered_twice": planted.delivered_twice,
        "duplicates_caught": planted.duplicates_caught,
        "gap": planted.gap,
        "gap_unknown_gpu_seconds": gap["unknown_s"],
        "unpriced_model": UNPRICED_MODEL,
        "unpriced_requests": planted.unpriced_requests,
        "unpriced_tokens": total.unpriced_tokens,
        "aborted_usd": planted.aborted_usd,
        "billed": bill.billed,
        "missing_usage": bill.causes["missing_usage"],
    }


def tell(found: dict[str, Any]) -> None:
    """Print the summary: dollars first, then what was planted and that it was caught."""
    out = show.say
    api, own = (found["cost_30d"].get(side) for side in ("api", "self_hosted"))
    hours = found["gap_unknown_gpu_seconds"] / 3600
    out(f"\nThe last 30 days: {show.usd(api, bound=True)} for APIs, {show.usd(own)} for four GPUs;")
    out(f"{show.usd(found['idle_usd_per_day'])} a day of GPU capacity is unused.")
    out("Planted, and what became of it:")
    out(f"  {found['delivered_twice']:,} requests delivered twice: {found['duplicates_caught']:,} found, counted once")
    out(f"  no GPU telemetry for an hour from {show.when(found['gap'])}: {hours:.2f} GPU-hours unknown, not idle")
    out(f"  {found['unpriced_requests']} requests to {found['unpriced_model']}, which has no price:")
    out(f"    {found['unpriced_tokens']:,} tokens counted as unpriced, totals marked ≥")
    out(f"  aborted streams that no log has: {show.usd(found['missing_usage'])} of {show.usd(found['billed'])} billed")
    out("    in sixty days is missing usage (breakeven reconcile)")
    out(f"  a GPU with a model that nobody asks: {', '.join(found['abandoned']) or 'not found'}, loaded and paid for\n")
