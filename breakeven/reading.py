"""Read a TOML table into a tree of dataclasses: unknown keys, wrong kinds and missing ones named, all at once."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any


def read(cls: Any, table: Any, at: str, errors: list[str], environment: dict[str, str], name: str = "") -> Any:
    """Return a dataclass filled from a table, None if it cannot be; every mistake is added to errors with its key.

    `name` is the table's own: it goes into a field of that name, which the table cannot set.
    """
    if not isinstance(table, dict):
        errors.append(f"{at}: a table is expected, not {table!r}")
        return None
    hints = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    if name and hints.pop("name", None) is not None:
        values["name"] = name
    for key, value in table.items():
        base = key.removesuffix("_file")
        if key not in hints and key.endswith("_file") and base in hints:
            values[base] = _secret(Path(str(value)), f"{at}{key}", errors)
        elif key not in hints:
            near = difflib.get_close_matches(key, hints, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            errors.append(f"{at}{key}: unknown key{hint} Known here: {', '.join(hints)}")
        else:
            values[key] = _value(hints[key], value, f"{at}{key}", errors, environment)
    for one in dataclasses.fields(cls):
        if one.name not in values and one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING:
            errors.append(f"{at}{one.name}: missing")
            return None
    try:
        return cls(**values)
    except TypeError as error:  # pragma: no cover - a value that failed above
        errors.append(f"{at}: {error}")
        return None


def _secret(path: Path, at: str, errors: list[str]) -> str:
    try:
        text = path.expanduser().read_text("utf-8").strip()
    except OSError as error:
        errors.append(f"{at}: {error.strerror}: {path}")
        return ""
    if not text:
        errors.append(f"{at}: {path} is empty")
    return text


def _value(hint: Any, value: Any, at: str, errors: list[str], environment: dict[str, str]) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        hint = next(arg for arg in typing.get_args(hint) if arg is not type(None))
        origin = typing.get_origin(hint)
    if origin is dict:
        return _tables(typing.get_args(hint)[1], value, at, errors, environment)
    if origin is tuple:
        items = value if isinstance(value, list) else [value]
        inner = typing.get_args(hint)[0]
        return tuple(_value(inner, item, f"{at}[{n}]", errors, environment) for n, item in enumerate(items))
    if dataclasses.is_dataclass(hint):
        return read(hint, value, f"{at}.", errors, environment)
    try:
        return _scalar(hint, value)
    except (ValueError, ArithmeticError) as error:
        errors.append(f"{at}: {error}")
        return None


def _tables(inner: Any, value: Any, at: str, errors: list[str], environment: dict[str, str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        errors.append(f"{at}: tables are expected, as in [{at}.NAME]")
        return {}
    return {name: read(inner, one, f"{at}.{name}.", errors, environment, name) for name, one in value.items()}


def _scalar(hint: Any, value: Any) -> Any:
    if hint is datetime:
        return instant(value)
    if hint is bool or isinstance(value, bool):
        if hint is bool and isinstance(value, bool):
            return value
        raise ValueError(f"{value!r} is not {'true or false' if hint is bool else 'a ' + hint.__name__}")
    if hint is Decimal and isinstance(value, (int, float, str)):
        amount = Decimal(str(value))
        if not amount.is_finite() or amount < 0:
            raise ValueError(f"{value!r} is not an amount of 0 or more")
        return amount
    if hint is float and isinstance(value, (int, float)):
        if not 0 <= value < float("inf"):
            raise ValueError(f"{value!r} is not a number of 0 or more")
        return float(value)
    if isinstance(value, hint):
        return value
    raise ValueError(f"{value!r} is not a {hint.__name__}")


def instant(value: Any) -> datetime:
    """Return an instant of a TOML date, a date-time with zone, or ISO text; a date is its first UTC instant."""
    if isinstance(value, str):
        value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone; write {value.isoformat()}Z")
        return value.astimezone(UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise ValueError(f"{value!r} is not a date")
