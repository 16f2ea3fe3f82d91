"""Import files: find their kind, read them row by row, store the good rows, keep the bad ones with their reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from collector import files, tables
from collector.bills import ChargeFile
from collector.intake import Counts, Intake
from collector.lines import Lines, fits, plain
from collector.receivers import otlp, traces
from collector.source import BILLS, source
from collector.sources.requests_log import check_map
from ledger.errors import BadRow, SourceRefused
from ledger.records import Charge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from collector.attribution import Attribution
    from collector.sources.requests_log import Defaults
    from ledger.prices.register import PriceRegister
    from ledger.store import Store


@dataclass(frozen=True, slots=True)
class Plan:
    """How files are to be read: names of columns, what holds for all rows, a format to force."""

    map: dict[str, str]
    defaults: Defaults
    format: str = ""
    kind: str = ""
    pool: str = ""


@dataclass(slots=True)
class Report:
    """What became of one file."""

    path: str
    counts: Counts
    examples: list[tuple[int, BadRow]] = field(default_factory=list)
    without_price: set[tuple[str, str]] = field(default_factory=set)
    cut_short: bool = False


def import_file(
    store: Store,
    prices: PriceRegister,
    attribution: Attribution,
    path: Path,
    plan: Plan,
    now: datetime,
    told: Callable[[int], None] | None = None,
) -> Report:
    """Import one file; rows stored before are duplicates and change nothing.

    Raises SourceRefused or ConfigError, with nothing stored, when the file cannot be read at all or lacks a
    mapped column.
    """
    form = files.detect(path, plan.format)
    if plan.map:
        check_map(plan.map, files.columns(path, form), str(path))
    intake, bill = Intake(store, prices, attribution, str(path), now), ChargeFile(store, path.name)
    parser: Any = None
    cut_short = False
    for row in _rows(store, prices, attribution, path, form, plan, intake, told):
        cut_short |= row.end
        if row.data is None:
            intake.refuse(row.line, row.bad or BadRow("line", "unreadable"), plan.kind or "requests_log")
            continue
        if "resourceSpans" in row.data and not plan.map:
            parser = parser or traces
            _put_traces(intake, row.line, row.data, now)
            continue
        if parser is None:
            parser = _parser(plan, row.data, now)
        try:
            records = parser.parse(row.data)
        except BadRow as bad:
            intake.refuse(row.line, bad, parser.name)
            continue
        for record in records:
            (bill if isinstance(record, Charge) else intake).take(record)
    if parser is None and not (intake.counts.rejected or intake.counts.accepted or intake.counts.duplicate):
        raise SourceRefused(f"{path}: no rows in it")
    counts, charges = intake.finish(), bill.finish()
    counts.accepted, counts.duplicate = counts.accepted + charges.accepted, counts.duplicate + charges.duplicate
    return Report(str(path), counts, intake.examples, intake.without_price, cut_short)


def _rows(
    store: Store, prices: PriceRegister, attribution: Attribution, path: Path, form: str, plan: Plan, intake: Intake,
    told: Callable[[int], None] | None,
) -> Iterator[files.Row]:  # fmt: skip
    """Yield the rows of a file for the parser; lines of our own that are beyond doubt are stored on the way."""
    pieces = _in_bulk(path, form, told) if plain(plan) else None
    if pieces is None:
        yield from files.read(path, form, told)
        return
    bulk = Lines(store, prices, attribution, intake)
    for piece in pieces:
        if isinstance(piece, files.Row):
            yield piece
        elif piece.trouble:
            yield files.Row(piece.number, None, BadRow("line", piece.trouble), end=piece.ends)
        else:
            for number, data in bulk.take(piece):
                yield from files.parsed(number, data)
    for number, data in bulk.flush():
        yield from files.parsed(number, data)


def _in_bulk(
    path: Path, form: str, told: Callable[[int], None] | None
) -> Iterator[files.Line] | Iterator[files.Line | files.Row] | None:
    """Return a file of our own rows as lines; None for any other."""
    if form == "parquet":
        return tables.read(path, told) if tables.fits(path) else None
    first = next(files.lines(path), None) if form == "jsonl" else None
    return files.blocks(path, told) if first is not None and fits(first.data) else None


def _put_traces(intake: Intake, line: int, data: dict[str, Any], now: datetime) -> None:
    """Take a line of OTLP/JSON, as the OpenTelemetry Collector's file exporter writes it."""
    try:
        message = otlp.from_json(otlp.TRACES, data)
    except ValueError as error:
        intake.refuse(line, BadRow("resourceSpans", f"not OTLP traces: {error}"), "otlp")
        return
    piece = traces.read(message, now)
    traces.store([piece], intake)
    for _, name, reason in piece.bad:
        intake.refuse(line, BadRow(name, reason), "otlp")


def _parser(plan: Plan, first: dict[str, Any], now: datetime) -> Any:
    gpu = source("gpu_log")(zone=plan.defaults.zone, pool=plan.pool, now=now)
    if plan.kind == "gpu_log" or (not plan.kind and not plan.map and gpu.fits(first)):
        return gpu
    for name in BILLS:
        bill = source(name)(now=now)
        if plan.kind == name or (not plan.kind and not plan.map and bill.fits(first)):
            return bill
    return source("requests_log")(defaults=plan.defaults, map=plan.map, now=now)
