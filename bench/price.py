"""G7: the cost of an attempt in SQL against genai-prices itself, over every provider and model that it knows."""

from __future__ import annotations

import random
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from genai_prices import Usage, calc_price

from bench.measure import Goal
from ledger.prices.book import ROUNDED, VARIANTS, all_models, book_prices, identify
from ledger.prices.register import PriceRegister
from ledger.records import Request
from ledger.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 25, 22, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)
Usages = tuple[str, str, str, datetime, dict[str, int]]
"""Provider, model, variant, instant, tokens by class."""
COUNT, TIMED = 200_000, 10_000


def goals() -> Iterator[Goal]:
    """Compare random attempts one by one; the difference must be none."""
    usages = sample(COUNT)
    with tempfile.TemporaryDirectory() as folder, Store(folder) as store:
        store.migrate()
        prices = PriceRegister(store)
        prices.refresh(NOW)
        rows = [request(number, *usage) for number, usage in enumerate(usages)]
        prices.resolve({(p, m, v, "") for p, m, v, _, _ in usages}, NOW)
        months: dict[tuple[int, int], list[Request]] = {}
        for row in rows:
            months.setdefault((row.at.year, row.at.month), []).append(row)
        for part in months.values():
            store.add(part)
        booked = {int(row["key"]): row["cost"] for row in store.ask("bench", "booked")}
    expected = [theirs(*usage) for usage in usages]
    gaps = [abs(booked[n] - cost) for n, cost in enumerate(expected)]
    wrong = sum(gap > Decimal("1e-9") for gap in gaps)
    models = len({(p, m) for p, m, *_ in usages})
    yield Goal(
        "G7", f"cost in SQL, {COUNT:,} attempts, {models} models", f"sum {sum(booked.values()):.9f}",
        f"sum {sum(expected):.9f}", float(wrong), 0, least=False,
        note=f"attempts that differ from genai-prices; largest gap {max(gaps):.1e}",
    )  # fmt: skip


def library_rate() -> float:
    """Return how many attempts a CPU-second genai-prices prices, nothing else done with them."""
    usages = sample(TIMED, seed=11)
    begun = time.process_time()
    for usage in usages:
        theirs(*usage)
    return TIMED / (time.process_time() - begun)


def request(number: int, provider: str, model: str, variant: str, at: datetime, counts: dict[str, int]) -> Request:
    """Return an attempt of a usage."""
    return Request(
        at=at, event_key=f"bench|{number}", side="api", source="bench", provider=provider, model=model, key=str(number),
        tier=variant if variant in ("flex", "priority", "fast") else "standard",
        processing="batch" if variant == "batch" else "online", **counts,
    )  # fmt: skip


def sample(count: int, seed: int = 7) -> list[Usages]:
    """Random usages over many models: every variant, tier edges -1/0/+1, dates around each price change.

    Left out, because they are the library's own: models without a price for input or output (it counts those
    tokens as 0 USD, we call them unpriced), prices per second or page, and token prices with more than 12 decimals
    (it computes with floats' digits such as 0.18000000000000002; ours are rounded once, when the book is loaded).
    """
    rng = random.Random(seed)
    pairs = [pair for pair in all_models() if pair[0].id != "groq" or "whisper" not in pair[1].id]
    out = []
    while len(out) < count:
        provider, model = rng.choice(pairs)
        rows = book_prices(provider, model)
        variants = sorted({row.variant for row in rows})
        row = rng.choice([r for r in rows if r.variant == rng.choice(variants)] or rows)
        if row.input_fresh is None or row.output is None or row.flags & ROUNDED:
            continue
        if identify(provider.id, model.id) != (provider, model):
            continue  # its own name leads elsewhere in the library
        edge = rng.choice([r.tier_start for r in rows if r.variant == row.variant])
        total = max(0, edge + rng.choice([-1, 0, 1])) if edge else rng.randrange(300_000)
        read = rng.randrange(total + 1) if rng.random() < 0.6 else 0
        short = rng.randrange(total - read + 1) if rng.random() < 0.4 else 0
        long = rng.randrange(total - read - short + 1) if rng.random() < 0.3 else 0
        output = rng.randrange(20_000)
        start = max(row.valid_from, datetime(2024, 1, 1, tzinfo=UTC))
        at = rng.choice([start, start + SECOND * rng.randrange(3600), min(row.valid_to, NOW)])
        if (row.day_from_s, row.day_to_s) != (0, 86400):  # a price of the time of day: within it, and at its edges
            day = (NOW - timedelta(days=rng.randrange(1, 200))).replace(hour=0, minute=0, second=0)
            at = day + SECOND * rng.choice(
                [row.day_from_s, row.day_to_s - 1, rng.randrange(row.day_from_s, row.day_to_s)]
            )
        if not start <= at <= min(row.valid_to, NOW):
            continue
        counts = {"input_fresh": total - read - short - long, "cache_read": read, "cache_write_short": short,
                  "cache_write_long": long, "output": output,
                  "output_reasoning": rng.randrange(output + 1)}  # fmt: skip
        out.append((provider.id, model.id, row.variant, at, counts))
    return out


def theirs(provider: str, model: str, variant: str, at: datetime, counts: dict[str, int]) -> Decimal:
    """Return what the library itself says, USD."""
    usage = Usage(
        input_tokens=sum(counts[c] for c in ("input_fresh", "cache_read", "cache_write_short", "cache_write_long")),
        cache_read_tokens=counts["cache_read"],
        cache_write_tokens=counts["cache_write_short"] + counts["cache_write_long"],
        cache_write_5m_tokens=counts["cache_write_short"],
        cache_write_1h_tokens=counts["cache_write_long"],
        output_tokens=counts["output"],
        output_reasoning_tokens=counts["output_reasoning"],
    )
    contexts: tuple[dict[str, str] | None, ...] = VARIANTS[variant] or (None,)
    found = [
        calc_price(usage, model, provider_id=provider, genai_request_timestamp=at, price_context=c) for c in contexts
    ]
    if len(found) == 2:  # two spellings of one variant: the one that this model has
        plain = calc_price(usage, model, provider_id=provider, genai_request_timestamp=at)
        found = [f for f in found if f.total_price != plain.total_price] or found
    return Decimal(found[0].total_price)
