"""Tables for people on a terminal: money, shares and words; unknown is a word, never 0."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

UNKNOWN = "unknown"
console = Console(highlight=False, markup=False)
errors = Console(stderr=True, highlight=False, markup=False)


def say(text: str) -> None:
    """Print a line; it is not cut or wrapped, so that paths and numbers stay whole."""
    console.print(text, soft_wrap=True)


def warn(text: str, style: str | None = None) -> None:
    """Print a line beside the answer, on stderr."""
    errors.print(text, style=style, soft_wrap=True)


def usd(amount: Decimal | float | None, *, bound: bool = False) -> str:
    """Return money with as many decimals as it needs; `bound` marks a lower bound with ≥."""
    if amount is None:
        return UNKNOWN
    value = Decimal(str(amount))
    digits = 2 if abs(value) >= 1 or value == 0 else 4 if abs(value) >= Decimal("0.01") else 6
    sign = "-" if value < 0 else ""
    return f"{'≥ ' if bound else ''}{sign}${abs(value):,.{digits}f}"


def share(value: Decimal | float | None) -> str:
    """Return a share as percent."""
    return UNKNOWN if value is None else f"{float(value):.1%}"


def count(value: int | None) -> str:
    """Return a count with separators, from a million on in M or G."""
    return "–" if value is None else f"{value:,}" if value < 10**6 else compact(value)


def several(number: int, noun: str) -> str:
    """Return a number with its noun in the singular or the plural."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def compact(value: int | None) -> str:
    """Return a large count in K, M or G."""
    if value is None:
        return "–"
    for unit, size in (("G", 10**9), ("M", 10**6), ("K", 10**4)):
        if value >= size:
            return f"{value / (1000 if unit == 'K' else size):.4g}{unit}"
    return f"{value:,}"


def when(value: datetime | None) -> str:
    """Return an instant in UTC to the minute."""
    return "never" if value is None else f"{value:%Y-%m-%d %H:%M}Z"


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> None:
    """Print a table; columns that end with `>` are numbers. Wider than the screen it runs over: figures stay whole."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    cells = [list(row) for row in rows]
    names = [name.rstrip(">") for name in columns]
    for given, name in zip(columns, names, strict=True):
        drawn.add_column(name, justify="right" if given.endswith(">") else "left", no_wrap=True)
    for row in cells:
        drawn.add_row(*row)
    if title:
        console.print(title, style="bold", soft_wrap=True)
    wide = Console(highlight=False, markup=False, width=max(console.width, fitting(names, cells)))
    wide.print(drawn, crop=False)
    if caption:
        console.print(caption, style="dim")


def fitting(names: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Return the width that a table needs."""
    return sum(max(cell_len(str(row[at])) for row in [names, *rows]) for at in range(len(names))) + 3 * len(names)


def result(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of free SQL: as a table where it fits the screen, else one `name: value` a line."""
    if fitting(names, rows) <= console.width:
        table("", names, rows)
    else:
        for number, row in enumerate(rows, 1):
            say(f"row {number}")
            for name, value in zip(names, row, strict=True):
                say(f"  {name}: {value}")
    say(several(len(rows), "row"))


def plain(value: Any) -> Any:
    """Return a value for JSON: money and instants as text, unknown as null."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _text(value) if isinstance(value, (Decimal, date, UUID, bytes)) else value


def _text(value: Decimal | date | UUID | bytes) -> str:
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
