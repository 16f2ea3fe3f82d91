"""Parquet tables of our own request log as lines of it, column by column: then the engine takes them in bulk.

A row is written as the line that a log would hold; what JSON would have to escape, or cannot say, is left to the
parser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from collector.files import Line, Row, arrow_row, open_parquet
from collector.lines import KEYS
from ledger.errors import BadRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_ROWS = 100_000
_ESCAPED = r'[\x00-\x1f"\\\x7f]'
_TIME, _UNITS = "%Y-%m-%dT%H:%M:%SZ", ("s", "ms", "us")
_NEEDED = ("ts", "provider", "model")


def fits(path: Path) -> bool:
    """Say whether a Parquet file has our own columns and no other, in types that a line can say."""
    schema = open_parquet(path).schema_arrow
    names = schema.names
    known = set(names) <= KEYS and {*_NEEDED, "request_id"} <= set(names) and len(set(names)) == len(names)
    return known and all(_sayable(field.type) for field in schema)


def read(path: Path, told: Callable[[int], None] | None = None) -> Iterator[Line | Row]:
    """Yield pieces of lines, and the rows that no line can say; numbers are those of the file's rows."""
    file = open_parquet(path)
    rows, size, number = file.metadata.num_rows, path.stat().st_size, 1
    batches = file.iter_batches(_ROWS)
    while True:
        try:
            batch = next(batches, None)
        except (pa.ArrowException, OSError) as error:
            yield Row(number, None, BadRow("row", f"the file is broken here: {error}"), end=True)
            return
        if batch is None:
            return
        yield from _pieces(batch, number)
        number += batch.num_rows
        if told:
            told(size * (number - 1) // max(1, rows))


def _sayable(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or (pa.types.is_timestamp(kind) and kind.tz is not None and kind.unit in _UNITS)
    )


def _pieces(batch: Any, first: int) -> Iterator[Line | Row]:
    """Yield runs of rows as lines; a row that no line can say stands between two runs by itself."""
    try:
        texts, odd = _lines(batch)
    except (pa.ArrowInvalid, UnicodeDecodeError):  # a text that is not UTF-8: the parser names its row
        texts, odd = None, list(range(batch.num_rows))
    begin = 0
    for at in [*odd, batch.num_rows]:
        if at > begin and texts is not None:
            yield Line(first + begin, _joined(texts.slice(begin, at - begin)), count=at - begin)
        if at < batch.num_rows:
            yield arrow_row(first + at, batch.slice(at, 1))
        begin = at + 1


def _joined(texts: Any) -> bytes:
    """Return texts that each end with a line break as one text: the bytes lie side by side already."""
    offsets, data = texts.buffers()[1:]
    ends = memoryview(offsets).cast("q")
    return bytes(data[ends[texts.offset] : ends[texts.offset + len(texts)]])


def _lines(batch: Any) -> tuple[Any, list[int]]:
    """Return one text a row, and which rows no line can say."""
    parts, odd = [], None
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        text, wrong = _said(name, column)
        parts.append(text)
        if name in _NEEDED:  # a line would not have the key, and so another shape
            wrong = pc.or_kleene(pc.is_null(column), wrong) if wrong is not None else pc.is_null(column)
        if wrong is not None:
            wrong = pc.fill_null(wrong, False)
            odd = wrong if odd is None else pc.or_(odd, wrong)
    inner = pc.binary_join_element_wise(*parts, _text(","), null_handling="skip")
    whole = pc.binary_join_element_wise(_text("{"), inner, _text("}\n"), _text(""))
    return whole, [] if odd is None else pc.indices_nonzero(odd).to_pylist()


def _said(name: str, column: Any) -> tuple[Any, Any]:
    """Return `"name":value` of each value, null for none, and where it cannot be said so."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind, wrong = column.type, None
    quoted = False
    if pa.types.is_timestamp(kind):
        text, quoted = pc.strftime(column.cast(pa.timestamp(kind.unit, "UTC")), format=_TIME), True
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column.validate(full=True)
        text, quoted, wrong = column, True, pc.match_substring_regex(column, _ESCAPED)
    else:
        text = column.cast(pa.string())
        if pa.types.is_floating(kind):
            wrong = pc.invert(pc.is_finite(column))
    text = text.cast(pa.large_string())
    mark = '"' if quoted else ""
    return pc.binary_join_element_wise(_text(f'"{name}":{mark}'), text, _text(mark), _text("")), wrong


def _text(value: str) -> Any:
    return pa.scalar(value, pa.large_string())
