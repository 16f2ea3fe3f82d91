"""The token price book: genai-prices and the user's overrides as effective-dated rows; pure, no store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from genai_prices import __version__, data_snapshot
from genai_prices.types import ModelPrice, TieredPrices, TimeOfDateConstraint

from ledger.records import Price

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from genai_prices.types import ModelInfo, Provider

BOOK_VERSION = __version__
BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
END = datetime(2100, 1, 1, tzinfo=UTC)
DAY_S = 86_400
VARIANTS: dict[str, tuple[dict[str, str], ...]] = {
    "standard": (),
    "batch": ({"processing": "batch"},),
    "flex": ({"service_tier": "flex"},),
    "priority": ({"service_tier": "priority"},),
    "fast": ({"service_tier": "fast"}, {"speed": "fast"}),
}
"""Price variants, and how the book spells them. A variant without an entry of its own has no price."""

CACHE_READ_AS_INPUT, CACHE_WRITE_AS_INPUT, BY_USER, ROUNDED = 1, 2, 8, 32
_SCALE = Decimal("1e-12")
_MOST = Decimal("1e-3")
"""Highest believable price of a token, USD: above it a product with a count could overflow."""

_TOKENS = {
    "input_fresh": "input_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write_short": "cache_write_mtok",
    "cache_write_long": "cache_write_1h_mtok",
    "cache_write_other": "cache_write_mtok",
    "output": "output_mtok",
    "output_reasoning": "output_reasoning_mtok",
    "input_audio": "input_audio_mtok",
    "output_audio": "output_audio_mtok",
    "input_image": "input_image_mtok",
    "output_image": "output_image_mtok",
}
_FEES = {
    "n_web_search": "web_searches_kcount",
    "n_file_search": "storage_searches_kcount",
    "request": "requests_kcount",
}
CLASSES = (*_TOKENS, *_FEES)
"""Priced classes, in the column order of `prices`."""


@dataclass(frozen=True, slots=True)
class Override:
    """A price of the user's own, USD per million tokens; a class left out has no price."""

    provider: str
    model: str
    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_long: Decimal | None = None
    variant: str = "standard"
    above: int = 0
    since: datetime = BEGIN
    until: datetime = END


@dataclass(frozen=True, slots=True)
class Negotiated:
    """A discount that was agreed with a provider: a share of its list prices for tokens, not for tools."""

    provider: str
    share: Decimal
    since: datetime = BEGIN
    until: datetime = END

    def applied(self, price: Price) -> Price | None:
        """Return a list price with the discount for the time in which both hold; None if there is none."""
        start, end = max(price.valid_from, self.since), min(price.valid_to, self.until - timedelta(seconds=1))
        if price.provider != self.provider or start > end:
            return None
        left: dict[str, Any] = {name: cut(getattr(price, name), 1 - self.share) for name in PRICED}
        return replace(price, **left, valid_from=start, valid_to=end, source="user", flags=price.flags | 8)


def cut(price: Decimal | None, share: Decimal) -> Decimal | None:
    """Return a part of a price, to 12 decimals; what has no price has none."""
    return None if price is None else (price * share).quantize(Decimal("1e-12"))


PRICED = (
    "input_fresh", "cache_read", "cache_write_short", "cache_write_long", "cache_write_other", "output",
    "output_reasoning", "input_audio", "output_audio", "input_image", "output_image",
)  # fmt: skip
"""Columns of a price that are for tokens."""


def identify(provider: str, model: str) -> tuple[Provider, ModelInfo] | None:
    """Return the book's provider and model for names as billed, or None: never a guess at another provider."""
    if not provider or not model:
        return None
    try:
        return data_snapshot.get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return None


def all_models() -> Iterator[tuple[Provider, ModelInfo]]:
    """Yield every provider and model of the installed book."""
    for provider in data_snapshot.get_snapshot().providers:
        for model in provider.models:
            yield provider, model


def book_prices(provider: Provider, model: ModelInfo) -> list[Price]:
    """Return the rows of one model: every variant, date, time of day and context tier; price_id is 0.

    A provider that merely resells another's model has the standard prices only: the book's variants are
    those of the model's owner.
    """
    own = any(model is known for known in provider.models)
    rows = []
    for variant in VARIANTS if own else ("standard",):
        rows += _variant_rows(provider.id, model, variant)
    return rows


@cache
def whole_book() -> tuple[Price, ...]:
    """Return the rows of every model of the installed book."""
    return tuple(row for pair in all_models() for row in book_prices(*pair))


def override_prices(overrides: Iterable[Override]) -> list[Price]:
    """Return the user's prices as rows of the same kind."""
    rows = []
    for one in overrides:
        write = one.cache_write
        given = {
            "input_fresh": one.input,
            "cache_read": one.cache_read,
            "cache_write_short": write,
            "cache_write_long": one.cache_write_long if one.cache_write_long is not None else write,
            "cache_write_other": write,
            "output": one.output,
        }
        flags = BY_USER
        prices: dict[str, Decimal | None] = dict.fromkeys(CLASSES)
        for name, per_mtok in given.items():
            prices[name], rounded = _per_unit(per_mtok, 1_000_000)
            flags |= ROUNDED * rounded
        rows.append(
            _row(
                one.provider,
                one.model,
                one.variant,
                one.above,
                one.since,
                one.until,
                (0, DAY_S),
                prices,
                flags,
            )
        )
    return [replace(row, source="user") for row in rows]


def _variant_rows(provider: str, model: ModelInfo, variant: str) -> list[Price]:
    rows: list[Price] = []
    for window in pairwise(_seconds(model)):
        spans: list[list[Price]] = []
        for start, end in pairwise(_dates(model)):
            found = _prices_at(model, variant, start + timedelta(seconds=window[0]))
            tiers = [] if found is None else _tier_rows(provider, model.id, variant, (start, end), window, found)
            if spans and _same(spans[-1], tiers):  # a date of another variant cuts nothing
                spans[-1] = [replace(row, valid_to=end - timedelta(seconds=1)) for row in spans[-1]]
            else:
                spans.append(tiers)
        rows += [row for span in spans for row in span]
    return rows


def _prices_at(model: ModelInfo, variant: str, instant: datetime) -> ModelPrice | None:
    """Return prices in force; None where the variant has none of its own (the library would give standard)."""
    contexts = VARIANTS[variant]
    if not contexts:
        return model.get_prices(instant)
    for context in contexts:
        for entry in model.price_variants or ():
            if entry.when == context and (entry.constraint is None or entry.constraint.active(instant)):
                return model.get_prices(instant, context)
    return None


def _tier_rows(
    provider: str,
    model: str,
    variant: str,
    span: tuple[datetime, datetime],
    window: tuple[int, int],
    found: ModelPrice,
) -> list[Price]:
    given: dict[str, Any] = {key: value for key, value in found.__dict__.items() if value is not None}
    starts = {0} | {t.start for value in given.values() if isinstance(value, TieredPrices) for t in value.tiers}
    rows = []
    for start in sorted(starts):
        prices: dict[str, Decimal | None] = {}
        flags = 0
        for name, key in _TOKENS.items():
            prices[name], rounded = _per_unit(_in_tier(given.get(key), start), 1_000_000)
            flags |= ROUNDED * rounded
        for name, key in _FEES.items():
            prices[name], rounded = _per_unit(_in_tier(given.get(key), start), 1_000)
            flags |= ROUNDED * rounded
        flags |= _fill(prices)
        rows.append(_row(provider, model, variant, start, *span, window, prices, flags))
    return rows


def _fill(prices: dict[str, Decimal | None]) -> int:
    """Give classes that the book leaves inside input their input price; return the flags that say so.

    In this book an absent cache class means "billed as input", which is what the library computes.
    """
    flags = 0
    if prices["cache_read"] is None:
        prices["cache_read"] = prices["input_fresh"]
        flags |= CACHE_READ_AS_INPUT
    if prices["cache_write_short"] is None:
        prices["cache_write_short"] = prices["cache_write_other"] = prices["input_fresh"]
        flags |= CACHE_WRITE_AS_INPUT
    if prices["cache_write_long"] is None:
        prices["cache_write_long"] = prices["cache_write_short"]
    return flags


def _row(
    provider: str,
    model: str,
    variant: str,
    tier_start: int,
    start: datetime,
    end: datetime,
    window: tuple[int, int],
    prices: dict[str, Decimal | None],
    flags: int,
) -> Price:
    return Price(
        price_id=0,
        provider=provider,
        model=model,
        variant=variant,
        region="",
        tier_start=tier_start,
        valid_from=start,
        valid_to=end - timedelta(seconds=1),
        day_from_s=window[0],
        day_to_s=window[1],
        recorded_at=BEGIN,
        source=f"genai-prices {BOOK_VERSION}",
        flags=flags,
        **prices,
    )


def _in_tier(price: Decimal | TieredPrices | None, start: int) -> Decimal | None:
    if not isinstance(price, TieredPrices):
        return price
    chosen = price.base
    for tier in price.tiers:
        if start >= tier.start:
            chosen = tier.price
    return chosen


@lru_cache(maxsize=20_000)
def _per_unit(price: Decimal | None, per: int) -> tuple[Decimal | None, bool]:
    """Return USD per token or use with 12 decimals, and whether that rounded it; None if not believable."""
    if price is None:
        return None, False
    exact = price / per
    if not exact.is_finite() or exact < 0 or (per == 1_000_000 and exact > _MOST):
        return None, False
    stored = exact.quantize(_SCALE, ROUND_HALF_EVEN)
    return stored, stored != exact


def _dates(model: ModelInfo) -> list[datetime]:
    dates = {BEGIN, END}
    conditions = [] if isinstance(model.prices, ModelPrice) else [price.constraint for price in model.prices]
    for constraint in [*conditions, *(variant.constraint for variant in model.price_variants or ())]:
        day = getattr(constraint, "start_date", None)
        if day is not None:
            dates.add(min(max(datetime.combine(day, time(), UTC), BEGIN), END))
    return sorted(dates)


def _seconds(model: ModelInfo) -> list[int]:
    seconds = {0, DAY_S}
    for price in [] if isinstance(model.prices, ModelPrice) else model.prices:
        if isinstance(price.constraint, TimeOfDateConstraint):
            for moment in (price.constraint.start_time, price.constraint.end_time):
                utc = datetime.combine(BEGIN.date(), moment, moment.tzinfo or UTC).astimezone(UTC)
                seconds.add(utc.hour * 3600 + utc.minute * 60 + utc.second)
    return sorted(seconds)


def _same(one: list[Price], other: list[Price]) -> bool:
    """Say whether two spans have the same tiers at the same prices."""
    facts = [
        [(row.tier_start, row.flags, *(getattr(row, n) for n in CLASSES)) for row in span] for span in (one, other)
    ]
    return bool(one) and facts[0] == facts[1]
