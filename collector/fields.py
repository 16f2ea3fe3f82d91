"""Values from outside, checked at the door: counts, instants, names; each raises BadRow with its field."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from ledger.errors import BadRow
from ledger.records import MAX_COUNT

EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=10)
_MAX_NAME = 256
STATUS_WORDS = {
    "": 200, "ok": 200, "success": 200, "succeeded": 200, "completed": 200, "true": 200, "failure": 500, "failed": 500,
    "error": 500, "errored": 500, "false": 500, "timeout": 408, "expired": 408, "cancelled": 499, "canceled": 499,
    "incomplete": 200,
}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
_EPOCH_UNITS = ((1e17, 10**9), (1e14, 10**6), (1e11, 10**3), (0, 1))


_HARMLESS = re.compile(r"[0-9+\-.,:/ TZeE%_]{0,40}|[A-Za-z_]{1,20}")


def shown(value: object) -> str:
    """Return a wrong value as a reason may quote it: digits, dates, a word. Anything else may be somebody's prompt."""
    text = str(value)
    return repr(text) if _HARMLESS.fullmatch(text) else f"a text of {len(text)} characters"


def count(value: Any, field: str, bound: int = MAX_COUNT) -> int | None:
    """Return a whole number from 0 to `bound`; None for an absent one."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise BadRow(field, f"{value} is not a number")
    try:
        number = value if isinstance(value, int) else Decimal(str(value).strip())
        whole = int(number)
    except (InvalidOperation, ValueError, OverflowError):
        raise BadRow(field, f"{shown(value)} is not a number") from None
    if whole != number:
        raise BadRow(field, f"{value} is not a whole number")
    if whole < 0:
        raise BadRow(field, f"{value} is negative")
    if whole > bound:
        raise BadRow(field, f"{value} is more than 10^{len(str(bound)) - 1}")
    return whole


def number(value: Any, field: str) -> float | None:
    """Return a finite number of 0 or more; None for an absent one."""
    if value is None or value == "":
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise BadRow(field, f"{shown(value)} is not a number") from None
    if not 0 <= found < float("inf"):
        raise BadRow(field, f"{value} is not a number of 0 or more")
    return found


def milliseconds(value: Any, field: str) -> int | None:
    """Return whole milliseconds below 2^32; None for an absent value."""
    found = number(value, field)
    if found is not None and found >= 2**32:
        raise BadRow(field, f"{value} is longer than 49 days")
    return None if found is None else round(found)


def amount(value: Any, field: str) -> Decimal | None:
    """Return USD with 12 decimals; None for an absent value."""
    if value is None or value == "":
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise BadRow(field, f"{shown(value)} is not an amount") from None
    if not found.is_finite() or not 0 <= found < 1_000_000:
        raise BadRow(field, f"{value} is not an amount between 0 and 10^6")
    return found.quantize(Decimal("1e-12"))


def instant(value: Any, field: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """Return a UTC instant of ISO text or an epoch number (s, ms, µs or ns by size).

    Text without a zone is refused unless `zone` is given; a local time that a clock change skips or repeats is
    refused too. Instants before 2015 or more than 10 minutes ahead of `now` are refused.
    """
    if value is None or value == "":
        raise BadRow(field, "missing")
    found = _epoch(value, field) if _is_number(value) else _iso(str(value), field, zone)
    if not EARLIEST <= found <= now + AHEAD:
        raise BadRow(field, f"{found.isoformat()} is not between 2015 and now")
    return found


def status(value: Any) -> int:
    """Return an HTTP status of a number or a word such as ok, error, timeout; raises BadRow."""
    if value is None or isinstance(value, bool):
        return 500 if value is False else 200
    text = str(value).strip().lower()
    if text in STATUS_WORDS:
        return STATUS_WORDS[text]
    if text.isdigit() and 100 <= int(text) <= 599:
        return int(text)
    raise BadRow(
        "status",
        f"{shown(text)} is neither an HTTP status nor one of {', '.join(filter(None, STATUS_WORDS))}",
    )


def name(value: Any, default: str = "") -> str:
    """Return a name without control characters and backslashes, at most 256 characters."""
    if value is None or value == "":
        return default
    return _CONTROL.sub("_", str(value).strip()[:_MAX_NAME])


MAX_SUM = 10**15
"""Most tokens that a provider may report for one bucket and group."""
WORLDWIDE = 20
"""An id of at least this many characters is a provider's own and unique; shorter ones are repeated by test servers."""


def event_key(source: str, account: str, provider: str, identity: str, attempt: int = 1) -> str:
    """Name an event for ever by the provider's id of the response.

    The same response told by a log, a gateway and a span is one event, whichever comes first. A short id holds
    within its source and account only.
    """
    place = "id" if len(identity) >= WORLDWIDE else f"{source}|{account}"
    return f"{place}|{provider.lower()}|{identity}|{attempt}"


def unknown_numbers(row: dict[str, Any], known: set[str]) -> dict[str, float]:
    """Return the numbers of a row under names that we do not know: kept, so that new kinds of usage are not lost."""
    return {
        name(key): float(value)
        for key, value in row.items()
        if key not in known and isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and value
    }


def money(value: Any, field: str) -> Decimal:
    """Return an amount of a bill with 12 decimals, also a negative one; raises BadRow for what is none."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise BadRow(field, f"{shown(value)} is not an amount") from None
    if not found.is_finite() or abs(found) > 10**12:
        raise BadRow(field, f"{value} is not an amount below 10^12")
    return found.quantize(Decimal("1e-12"))


def mapping(value: Any) -> dict[str, Any]:
    """Return a JSON object, also one that came as text; {} for anything else."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _is_number(value: Any) -> bool:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return True
    return isinstance(value, str) and bool(re.fullmatch(r"\d{9,19}(\.\d+)?", value))


def _epoch(value: Any, field: str) -> datetime:
    seconds = Decimal(str(value))
    if not seconds.is_finite():
        raise BadRow(field, f"{value} is not a time")
    unit = next(unit for least, unit in _EPOCH_UNITS if abs(seconds) >= least)
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(seconds * 1_000_000 / unit))
    except OverflowError:
        raise BadRow(field, f"{value} is not a time") from None


def _iso(text: str, field: str, zone: tzinfo | None) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadRow(field, f"{shown(text)} is not a time such as 2026-11-22T10:15:30Z") from None
    if found.tzinfo is not None:
        return found.astimezone(UTC)
    if zone is None:
        raise BadRow(field, f"{text[:40]} has no time zone; append Z for UTC or name it with --timezone")
    local = found.replace(tzinfo=zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != found:
        raise BadRow(field, f"{text[:40]} does not exist in {zone}: the clock was set forward")
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise BadRow(field, f"{text[:40]} happened twice in {zone}: the clock was set back")
    return local.astimezone(UTC)
