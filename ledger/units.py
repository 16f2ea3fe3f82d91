"""A value with its unit as text, as the page shows it; unknown is a word of the caller's, never 0."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def shown(value: float | str | bool | None, unit: str, missing: str = "–") -> str:
    """Return a value in its unit; `missing` stands for null and empty text."""
    if value is None or value == "":
        return missing
    if isinstance(value, float) and math.isnan(value):
        return missing
    if isinstance(value, (str, bool)):
        return str(value)
    return _FORMATS.get(unit, _number)(float(value))


def compact(value: float, digits: int = 3) -> str:
    """Return a number in K, M, G or T."""
    size = abs(value)
    for word, scale in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("K", 1e3)):
        if size >= scale:
            return f"{value / scale:.{digits}g}{word}"
    return f"{value:.{digits}g}"


def money(value: float, digits: int | None = None) -> str:
    """Return USD: whole from a thousand on, cents from one, four digits below."""
    size = abs(value)
    if digits is None:
        digits = 0 if size >= 1000 or size == 0 else 2 if size >= 1 else 4
    return f"{'-' if value < 0 else ''}${size:,.{digits}f}"


def span(value: float) -> str:
    """Return seconds in the word that suits their size."""
    size = abs(value)
    if size < 1:
        return f"{1000 * value:.0f} ms"
    if size < 90:
        return f"{round(value, 1):g} s"
    if size < 5400:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.1f} h" if size < 172_800 else f"{value / 86_400:.1f} days"


def _bytes(value: float) -> str:
    for word, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= scale:
            return f"{value / scale:.1f} {word}"
    return f"{value:.0f} B"


def _number(value: float) -> str:
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


_FORMATS: dict[str, Callable[[float], str]] = {
    "money": money,
    "per_1k": lambda v: money(v, 3),
    "per_1m": lambda v: money(v, 3),
    "share": lambda v: f"{v:.1%}",
    "count": lambda v: f"{v:,.1f}".removesuffix(".0"),
    "tokens": lambda v: f"{compact(v)} tok",
    "token_rate": lambda v: f"{compact(v)} tok/s",
    "rate": lambda v: f"{compact(v, 2)} req/s",
    "hours": lambda v: f"{v:.1f} h",
    "days": lambda v: f"{v:.0f} day{'s' * (round(v) != 1)}",
    "watts": lambda v: f"{v:.0f} W",
    "gibibytes": lambda v: f"{v:.1f} GiB",
    "bytes": _bytes,
    "celsius": lambda v: f"{v:.0f} °C",
    "seconds": span,
}
