"""SELECTs of people: one statement with its values, answered as JSON, CSV, Parquet or Arrow within limits."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from breakeven import show
from ledger.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ledger.store import Store

MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Form:
    """A form of answers: its name in ClickHouse (empty: ours), what HTTP calls it, the ending of its files."""

    clickhouse: str
    media_type: str
    ending: str


FORMS = {
    "json": Form("", "application/json", ".json"),
    "csv": Form("CSVWithNames", "text/csv", ".csv"),
    "parquet": Form("Parquet", "application/vnd.apache.parquet", ".parquet"),
    "arrow": Form("Arrow", "application/vnd.apache.arrow.file", ".arrow"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One SELECT, the values of its {name:Type} places, and the form of the answer."""

    sql: str
    values: Mapping[str, Any] = field(default_factory=dict)
    form: str = "json"

    @classmethod
    def of(cls, body: bytes) -> Question:
        """Read the body of a request; raises ConfigError naming what is wrong."""
        try:
            given = json.loads(body)
        except (ValueError, RecursionError):
            raise ConfigError("the body is not JSON") from None
        if not isinstance(given, dict):
            raise ConfigError('the body is an object such as {"sql": "SELECT 1"}')
        known = {"sql", "parameters", "format"}
        if set(given) - known:
            raise ConfigError(f"{min(set(given) - known)!r} is not one of {', '.join(sorted(known))}")
        sql, values, form = given.get("sql"), given.get("parameters", {}), given.get("format", "json")
        if not isinstance(sql, str) or not sql.strip():
            raise ConfigError("sql: one SELECT is needed")
        if not isinstance(values, dict):
            raise ConfigError("parameters: an object of names and values")
        if not isinstance(form, str) or form not in FORMS:
            raise ConfigError(f"format {form!r}: not one of {', '.join(FORMS)}")
        return cls(sql, {name: _plain(name, value) for name, value in values.items()}, form)


def _plain(name: str, value: Any) -> Any:
    items = value if isinstance(value, list) else [value]
    if isinstance(value, dict) or any(isinstance(item, (dict, list)) for item in items):
        raise ConfigError(f"parameters.{name}: a text, a number, true, false, null, or a list of texts or numbers")
    return value


def answer(store: Store, asked: Question) -> bytes:
    """Return the answer in its form; raises StoreRefused with the engine's own words."""
    form = FORMS[asked.form]
    if form.clickhouse:
        return store.read_as(asked.sql, form.clickhouse, dict(asked.values))
    names, rows = store.read(asked.sql, dict(asked.values))
    found = {"columns": names, "rows": [list(row) for row in rows], "count": len(rows)}
    return json.dumps(show.plain(found)).encode()


def values(words: Iterable[str]) -> dict[str, str]:
    """Return values of `name=value`; raises ConfigError."""
    out = {}
    for word in words:
        name, found, value = word.partition("=")
        if not found or not name:
            raise ConfigError(f"--param {word}: write NAME=VALUE")
        out[name] = value
    return out
