"""Open files of rows: JSON lines, CSV, Parquet, plain or compressed; a broken row never loses its neighbours."""

from __future__ import annotations

import csv
import io
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from ledger.errors import BadRow, SourceRefused

if TYPE_CHECKING:
    import json
    from collections.abc import Callable, Iterator
    from pathlib import Path

MAX_LINE = 16 << 20
"""Longest line that is read, in bytes."""
FORMATS = ("jsonl", "csv", "parquet")
_SUFFIXES = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".log": "jsonl", ".csv": "csv", ".tsv": "csv",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_PARQUET_ROWS = 10_000
_PIECE = 4 << 20
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Row:
    """One row with its line (or row) number from 1: data, or why it cannot be read. `end`: reading stopped here."""

    line: int
    data: dict[str, Any] | None
    bad: BadRow | None = None
    end: bool = False


def expand(paths: list[Path]) -> list[Path]:
    """Return files, folders replaced by the files of known kinds in them; raises SourceRefused for what is missing."""
    out: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(p for p in _listed(path) if _format_of_name(p))
            if not found:
                raise SourceRefused(f"{path}: no .jsonl, .csv or .parquet file in this folder")
            out += found
        elif path.is_file():
            out.append(path)
        else:
            raise SourceRefused(f"{path}: no such file")
    return out


def _listed(folder: Path) -> list[Path]:
    """Return the files below a folder; of a folder with files that a manifest lists, those only.

    Exports that keep their older runs leave files behind that no longer hold: the manifest says which do.
    """
    found = [path for path in folder.rglob("*") if path.is_file()]
    manifests = [path for path in found if path.name.lower().endswith("manifest.json")]
    named = {name for manifest in manifests for name in _named(manifest)}
    listed = {path for path in found if _place(path.as_posix()) in named}
    of_exports = {path.parent for path in listed}
    return [path for path in found if path not in manifests and (path.parent not in of_exports or path in listed)]


def _named(manifest: Path) -> set[str]:
    """Return the files that a manifest of AWS Data Exports or Azure Cost Management lists."""
    try:
        told = orjson.loads(manifest.read_bytes())
        listed = told.get("dataFiles") or told.get("reportKeys") or [blob["blobName"] for blob in told["blobs"]]
        return {_place(str(one)) for one in listed}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()


def _place(path: str) -> str:
    """Return the last two parts of a path: the same in a bucket and in a copy of it."""
    return "/".join(path.split("/")[-2:])


def detect(path: Path, given: str = "") -> str:
    """Return the format of a file: as given, by its name, else by its first byte; raises SourceRefused."""
    if given and given not in FORMATS:
        raise SourceRefused(f"--format {given}: not one of {', '.join(FORMATS)}")
    found = given or _format_of_name(path)
    if found:
        return found
    with path.open("rb") as file:
        head = file.read(4)
    if head == b"PAR1":
        return "parquet"
    if head.lstrip()[:1] in (b"{", b"["):
        return "jsonl"
    raise SourceRefused(f"{path}: cannot tell what this is; name it with --format {'|'.join(FORMATS)}")


def read(path: Path, form: str, told: Callable[[int], None] | None = None) -> Iterator[Row]:
    """Yield the rows of a file; `told` hears how many bytes of it were read. Raises SourceRefused if it is none."""
    if form == "parquet":
        yield from _parquet(path, told)
        return
    with path.open("rb") as raw:
        lines = _lines(raw, path, told)
        yield from _csv(lines, path) if form == "csv" else _jsonl(lines)


@dataclass(frozen=True, slots=True)
class Line:
    """The bytes of a line, or of several, or what is wrong with it; `ends`: reading stopped there."""

    number: int
    data: bytes
    trouble: str = ""
    count: int = 1

    @property
    def ends(self) -> bool:
        """Whether nothing more can be read."""
        return bool(self.trouble) and not self.trouble.startswith("longer")


def lines(path: Path, told: Callable[[int], None] | None = None) -> Iterator[Line]:
    """Yield the lines of a file, unpacked and stripped, without the empty ones."""
    with path.open("rb") as raw:
        for line in _lines(raw, path, told):
            data = line.data.strip().removeprefix(_BOM)
            if data or line.trouble:
                yield Line(line.number, data, line.trouble)


def blocks(path: Path, told: Callable[[int], None] | None = None) -> Iterator[Line]:
    """Yield a file in pieces of whole lines, each with the number of its first line; a packed file line by line."""
    with path.open("rb") as raw:
        if any(raw.peek(4).startswith(mark) for mark in _PACKED):
            yield from lines(path, told)
            return
        number, rest = 1, b""
        while data := raw.read(_PIECE):
            cut = data.rfind(b"\n") + 1
            if not cut and len(rest) + len(data) > MAX_LINE:
                yield Line(number, b"", f"longer than {MAX_LINE >> 20} MiB")
                while data and not data.endswith(b"\n"):
                    data = raw.readline(_PIECE)
                number, rest = number + 1, b""
                continue
            if cut:
                piece = rest + data[:cut]
                count = piece.count(b"\n")
                yield Line(number, piece, count=count)
                number, rest = number + count, data[cut:]
            else:
                rest += data
            if told:
                told(raw.tell())
        if rest:
            yield Line(number, rest)
        if told:
            told(path.stat().st_size)


def parsed(number: int, data: bytes) -> list[Row]:
    """Return the rows of one line of JSON."""
    return list(_jsonl(iter([_Line(number, data)])))


def columns(path: Path, form: str) -> list[str]:
    """Return the column names of a CSV or Parquet file, [] for JSON lines."""
    if form == "parquet":
        return list(open_parquet(path).schema_arrow.names)
    if form == "csv":
        with path.open("rb") as raw:
            return _header(_lines(raw, path, None), path)[0]
    return []


def _format_of_name(path: Path) -> str:
    suffixes = [s.lower() for s in path.suffixes]
    while suffixes and suffixes[-1] in (".gz", ".zst", ".zstd"):
        suffixes.pop()
    return _SUFFIXES.get(suffixes[-1], "") if suffixes else ""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line's bytes, or the word that ended reading."""

    number: int
    data: bytes
    trouble: str = ""


def _lines(raw: IO[bytes], path: Path, told: Callable[[int], None] | None) -> Iterator[_Line]:
    """Yield lines of at most MAX_LINE bytes; a packed file that ends too early yields its trouble last."""
    number = 0
    try:
        stream = _unpacked(raw)
        while True:
            line = stream.readline(MAX_LINE + 1)
            if not line:
                return
            number += 1
            if len(line) > MAX_LINE:
                yield _Line(number, b"", f"longer than {MAX_LINE >> 20} MiB")
                while line and not line.endswith(b"\n"):
                    line = stream.readline(MAX_LINE)
                continue
            yield _Line(number, line)
            if told and number % 1000 == 0:
                told(raw.tell())
    except (EOFError, zlib.error, pa.ArrowException, OSError) as error:
        yield _Line(number + 1, b"", f"the packed file is broken or ends too early here ({error}): get it again")
    finally:
        if told:
            told(path.stat().st_size)


def _unpacked(raw: IO[bytes]) -> Any:
    head = raw.read(4)
    raw.seek(0)
    kind = next((kind for mark, kind in _PACKED.items() if head.startswith(mark)), "")
    if kind == "gzip":
        return io.BufferedReader(Gunzip(raw), 1 << 20)
    if kind == "zstd":
        return io.BufferedReader(Unzstd(raw), 1 << 20)
    return raw


class Gunzip(io.RawIOBase):
    """Unpacks gzip, all members; what came before a break is given out first (the standard reader loses it)."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._member = zlib.decompressobj(31)
        self._packed = b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; raises EOFError where the file ends inside a member."""
        while True:
            self._packed = self._packed or self._raw.read(1 << 16)
            if self._member.eof:
                self._packed = self._packed.lstrip(b"\0")  # padding between members
                if not self._packed:
                    return 0
                self._member = zlib.decompressobj(31)
            if not self._packed:
                raise EOFError("no end of the gzip stream")
            data = self._member.decompress(self._packed, len(buffer))
            self._packed = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if data:
                buffer[: len(data)] = data
                return len(data)


class Unzstd(io.RawIOBase):
    """Unpacks zstd in small steps, so that a break costs no more than one of them."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._stream = pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd")

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; raises OSError where the file ends inside a frame."""
        data = self._stream.read(min(len(buffer), 1 << 14))
        buffer[: len(data)] = data
        return len(data)


def _jsonl(lines: Iterator[_Line]) -> Iterator[Row]:
    for line in lines:
        if line.trouble:
            yield Row(line.number, None, BadRow("line", line.trouble), end=not line.trouble.startswith("longer"))
            continue
        text = line.data.strip().removeprefix(_BOM)
        if not text:
            continue
        try:
            data = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            yield Row(line.number, None, BadRow("line", _json_trouble(text, error)))
            continue
        if isinstance(data, dict):
            yield Row(line.number, data)
        elif isinstance(data, list) and all(isinstance(item, dict) for item in data):
            for item in data:
                yield Row(line.number, item)
        else:
            yield Row(line.number, None, BadRow("line", "not a JSON object"))


def _json_trouble(text: bytes, error: json.JSONDecodeError) -> str:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return _not_utf8(text, wrong.start)
    return f"not JSON: {error.msg} at column {error.colno}"


def _not_utf8(text: bytes, at: int) -> str:
    return f"not UTF-8: byte 0x{text[at]:02X} at {at + 1}; convert it with iconv -f latin1 -t utf-8"


def _header(lines: Iterator[_Line], path: Path) -> tuple[list[str], str]:
    first = next(lines, None)
    if first is None:
        raise SourceRefused(f"{path}: empty file")
    if first.trouble:
        raise SourceRefused(f"{path}: line 1: {first.trouble}")
    text = first.data.decode("utf-8-sig", "replace")
    delimiter = max(",;\t|", key=text.count)
    try:
        names = next(csv.reader([text], delimiter=delimiter))
    except csv.Error as error:
        raise SourceRefused(f"{path}: line 1 is not a CSV header: {error}") from None
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if twice:
        raise SourceRefused(f"{path}: the header names {', '.join(twice)} twice")
    return names, delimiter


def _csv(lines: Iterator[_Line], path: Path) -> Iterator[Row]:
    names, delimiter = _header(lines, path)
    csv.field_size_limit(MAX_LINE)
    taken: list[tuple[int, str]] = []
    trouble: list[_Line] = []

    def texts() -> Iterator[str]:
        for line in lines:
            if line.trouble:
                trouble.append(line)
                if not line.trouble.startswith("longer"):
                    return
                continue
            taken.append((line.number, line.data.decode("utf-8", "surrogateescape")))
            yield taken[-1][1]

    for found in _records(texts(), delimiter, taken):
        row = _csv_row(taken[0][0], names, found)
        if row.bad and len(taken) > 1:  # a quote that never ends took its neighbours with it
            yield from (_csv_line(number, text, names, delimiter) for number, text in taken)
        else:
            yield row
    for line in trouble:
        yield Row(line.number, None, BadRow("line", line.trouble), end=not line.trouble.startswith("longer"))


def _records(texts: Iterator[str], delimiter: str, taken: list[tuple[int, str]]) -> Iterator[list[str] | csv.Error]:
    """Yield records or what is wrong with them; `taken` then holds the lines that each is made of."""
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    while True:
        taken.clear()
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield error
        else:
            if values:
                yield values


def _csv_line(number: int, text: str, names: list[str], delimiter: str) -> Row:
    found = next(_records(iter([text]), delimiter, []), csv.Error("empty"))
    return _csv_row(number, names, found)


def _csv_row(number: int, names: list[str], values: list[str] | csv.Error) -> Row:
    if isinstance(values, csv.Error):
        return Row(number, None, BadRow("line", f"not CSV: {values}"))
    if len(values) != len(names):
        return Row(number, None, BadRow("line", f"{len(values)} fields, the header has {len(names)}"))
    for name, value in zip(names, values, strict=True):
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            data = value.encode("utf-8", "surrogateescape")
            at = next(i for i, c in enumerate(value) if "\ud800" <= c <= "\udfff")
            start = len(value[:at].encode("utf-8", "surrogateescape"))
            return Row(number, None, BadRow(name, _not_utf8(data, start)))
    return Row(number, dict(zip(names, values, strict=True)))


def open_parquet(path: Path) -> Any:
    """Return an opened Parquet file; raises SourceRefused for what is none."""
    try:
        return pq.ParquetFile(path, memory_map=False)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise SourceRefused(f"{path}: not a readable Parquet file: {error}") from None


def _parquet(path: Path, told: Callable[[int], None] | None) -> Iterator[Row]:
    file = open_parquet(path)
    rows, size, number = file.metadata.num_rows, path.stat().st_size, 0
    try:
        for batch in file.iter_batches(_PARQUET_ROWS):
            try:
                yield from (Row(number + at, data) for at, data in enumerate(batch.to_pylist(), 1))
            except UnicodeDecodeError:  # in one of them: the others are taken
                yield from (arrow_row(number + at + 1, batch.slice(at, 1)) for at in range(batch.num_rows))
            number += batch.num_rows
            if told:
                told(size * number // max(1, rows))
    except (pa.ArrowException, OSError) as error:
        yield Row(number + 1, None, BadRow("row", f"the file is broken here: {error}"), end=True)


def arrow_row(number: int, one: Any) -> Row:
    """Return the row of an Arrow batch of one."""
    try:
        return Row(number, one.to_pylist()[0])
    except UnicodeDecodeError:
        return Row(number, None, BadRow("row", "a text that is not UTF-8"))
