"""Files for others: FOCUS 1.4 and any view, as Parquet or CSV, to a folder or an object store."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import typer

from breakeven import show
from breakeven.answers import moment
from breakeven.command import Json, opened, print_json, progress, wants_json
from breakeven.export_config import FORMATS, ExportConfig
from collector.fields import AHEAD
from ledger.costing import focus, focus_check, report
from ledger.errors import ConfigError, StoreUnavailable
from ledger.records import SourceState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from breakeven.service import Service

_TIMES = ("hour", "day", "at", "start", "recorded_at")
"""Columns by which a view is cut into files, the first that it has."""
_CLICKHOUSE = {"parquet": "Parquet", "csv": "CSVWithNames"}


@dataclass(frozen=True, slots=True)
class Written:
    """One file: where it is, how many rows; `usd` is the money in it, for FOCUS."""

    path: str
    rows: int
    usd: Decimal | None = None


def export_focus(
    service: Service, start: datetime, end: datetime, to: str, form: str, told: Callable[[str], None] = lambda _: None
) -> list[Written]:
    """Write the charges of whole UTC days as FOCUS 1.4, one file a month; raises ConfigError for a place that is none.

    Money adds up to `breakeven cost` of the same days. Tokens without a price have none and are in no row.
    """
    out = []
    for first, last in _months(start, end):
        rows = list(focus.rows(service.store, first, last))
        if rows:
            name = f"focus-{first:%Y-%m}.{form}"
            _put(to, name, _focus_csv(rows) if form == "csv" else _focus_parquet(rows))
            out.append(Written(_joined(to, name), len(rows), sum((r["BilledCost"] for r in rows), Decimal(0))))
            told(name)
    return out


def _focus_csv(rows: list[dict[str, Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, focus.WRITTEN)
    writer.writeheader()
    writer.writerows({k: f"{v:f}" if isinstance(v, Decimal) else v for k, v in row.items()} for row in rows)
    return out.getvalue().encode()


def _focus_parquet(rows: list[dict[str, Any]]) -> bytes:
    decimals, counts = {*focus_check.DECIMALS, "x_GpuHours"}, {"x_InputTokens", "x_CachedInputTokens", "x_OutputTokens"}
    kinds = [
        pa.decimal128(38, 12) if name in decimals else pa.int64() if name in counts else pa.string()
        for name in focus.WRITTEN
    ]
    schema = pa.schema([pa.field(name, kind) for name, kind in zip(focus.WRITTEN, kinds, strict=True)])
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), out, compression="zstd")
    return out.getvalue()


def export_view(
    service: Service, view: str, start: datetime, end: datetime, to: str, form: str,
    told: Callable[[str], None] = lambda _: None,
) -> list[Written]:  # fmt: skip
    """Write a view, one file a month in which it has rows; raises ConfigError naming the views."""
    columns: dict[str, list[str]] = {}
    for row in service.store.ask("breakeven", "view_columns"):
        columns.setdefault(row["view"], []).append(row["name"])
    if view not in columns:
        raise ConfigError(f"view {view!r}: not one of {', '.join(columns)}")
    time = next((name for name in _TIMES if name in columns[view]), "")
    if not time:
        data = service.store.fetch("breakeven", "export_whole", _CLICKHOUSE[form], view=view)
        _put(to, f"{view}.{form}", data)
        told(view)
        return [Written(_joined(to, f"{view}.{form}"), _count(data, form))]
    (extent,) = service.store.ask("breakeven", "view_extent", view=view, time=time)
    if not extent["rows"]:
        return []
    out = []
    for first, last in _months(max(start, extent["first"]), min(end, extent["last"] + timedelta(days=1))):
        data = service.store.fetch(
            "breakeven", "export_view", _CLICKHOUSE[form], view=view, time=time, **{"from": first, "to": last}
        )
        rows = _count(data, form)
        if rows:
            name = f"{view}-{first:%Y-%m}.{form}"
            _put(to, name, data)
            out.append(Written(_joined(to, name), rows))
            told(name)
    return out


def _count(data: bytes, form: str) -> int:
    if form == "csv":
        return sum(1 for _ in csv.reader(io.StringIO(data.decode()))) - 1
    return int(pq.ParquetFile(io.BytesIO(data)).metadata.num_rows)


def _months(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the whole UTC days of a span, month by month."""
    at = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while at < end:
        following = (at.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield at, min(following, _day_after(end))
        at = following


def _day_after(end: datetime) -> datetime:
    floor = end.replace(hour=0, minute=0, second=0, microsecond=0)
    return floor if floor == end else floor + timedelta(days=1)


def _joined(to: str, name: str) -> str:
    return f"{to.rstrip('/')}/{name}"


def _put(to: str, name: str, data: bytes) -> None:
    """Write a file whole or not at all; raises ConfigError for a folder, StoreUnavailable for an object store."""
    if "://" in to:
        try:
            system, base = pafs.FileSystem.from_uri(to)
            system.create_dir(base, recursive=True)
            with system.open_output_stream(f"{base.rstrip('/')}/{name}") as out:
                out.write(data)
        except (OSError, pa.ArrowException) as error:
            raise StoreUnavailable(f"{to}: {str(error).splitlines()[0][:200]}") from None
        return
    folder = Path(to).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(dir=folder, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(path).replace(folder / name)
        finally:
            Path(path).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{to}: {error.strerror}") from None


def due(service: Service, now: datetime) -> list[ExportConfig]:
    """Return the configured file exports whose time has come."""
    out = []
    for one in service.config.exports.values():
        seen = service.store.ask("ledger.store", "cursor", source="export", name=one.name)
        last = datetime.fromisoformat(seen[0]["value"]) if seen else None
        if one.kind != "otlp" and (last is None or not now - timedelta(hours=one.every_hours) < last <= now + AHEAD):
            out.append(one)
    return out


def scheduled(service: Service, one: ExportConfig, now: datetime) -> list[Written]:
    """Write the files of one configured export: the running month and the one before."""
    first = (now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)).replace(day=1)
    if one.kind == "focus":
        files = export_focus(service, first, now, one.to, one.format)
    else:
        files = export_view(service, one.view, first, now, one.to, one.format)
    service.store.add([SourceState("export", one.name, now.isoformat())])
    return files


export_app = typer.Typer(
    help="Files for others: FOCUS 1.4, or any view as Parquet or CSV.", no_args_is_help=True, rich_markup_mode=None
)
_Since = Annotated[str, typer.Option(help="30d, or a date; whole UTC days. Default: everything.")]
_Until = Annotated[str, typer.Option(help="The same; a date includes that day. Default: now.")]
_Out = Annotated[str, typer.Option("--out", help="Folder, or s3://bucket/folder, gs://…, abfss://….")]


@export_app.command("focus")
def export_focus_command(
    since: _Since = "",
    until: _Until = "",
    out: _Out = ".",
    form: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
    as_json: Json = False,
) -> None:
    """Write FOCUS 1.4 files, one a month: tokens by class, GPU hosts, idle capacity as its own rows, overheads.

    Their BilledCost adds up to `breakeven cost` of the same days. Tokens without a price have no money: they are in no
    row, and named here. JSON: {"files": [{"path", "rows", "usd"}], "usd", "unpriced_tokens"}.
    """
    with opened() as service:
        service.tick()
        start, end = _span(service, since, until)
        with progress() as bar:
            task = bar.add_task("writing", total=None)
            files = export_focus(service, start, end, out, _form(form), lambda name: bar.update(task, description=name))
        _, total = report.cost(service.store, since=start, until=_day_after(end))
    written = sum((one.usd or Decimal(0) for one in files), Decimal(0))
    if wants_json(as_json):
        print_json({"files": [_json(one) for one in files], "usd": written, "unpriced_tokens": total.unpriced_tokens})
        return
    _tell(files)
    if files:
        show.say(f"In all {show.usd(written)}; `breakeven cost` of these days: {show.usd(total.cost)}.")
    if total.unpriced_tokens:
        show.say(f"{show.count(total.unpriced_tokens)} tokens without a price are in no row: breakeven prices check")


def _view_command(form: str) -> Callable[..., None]:
    def command(
        view: Annotated[str, typer.Argument(help="A view of docs/sql.md, such as v_cost_daily.")],
        since: _Since = "",
        until: _Until = "",
        out: _Out = ".",
        as_json: Json = False,
    ) -> None:
        with opened() as service:
            service.tick()
            start, end = _span(service, since, until)
            with progress() as bar:
                task = bar.add_task("writing", total=None)
                files = export_view(
                    service, view, start, end, out, form, lambda name: bar.update(task, description=name)
                )
        if wants_json(as_json):
            print_json({"files": [_json(one) for one in files]})
        else:
            _tell(files)

    command.__doc__ = f"""Write a view as {form.upper() if form == "csv" else "Parquet"}, one file a month.

    JSON: {{"files": [{{"path", "rows"}}]}}.
    """
    return command


for _name in FORMATS:
    export_app.command(_name)(_view_command(_name))


@export_app.command("check")
def check_command(
    files: Annotated[list[Path], typer.Argument(help="FOCUS files, CSV or Parquet.", exists=True, dir_okay=False)],
    as_json: Json = False,
) -> None:
    """Hold FOCUS files of anybody against the columns of FOCUS 1.4; exit 1 if something is wrong.

    JSON: {"rows": [{"file", "row", "column", "why"}]}.
    """
    found = []
    for path in files:
        columns, rows = _read(path)
        found += [(path, fault) for fault in focus_check.check(columns, rows)]
    if wants_json(as_json):
        rows_ = [{"file": str(p), "row": f.row, "column": f.column, "why": f.why} for p, f in found]
        print_json({"rows": rows_})
    else:
        for path, fault in found:
            show.say(f"{path}: {fault}")
        show.say(show.several(len(found), "fault") if found else f"FOCUS {focus_check.VERSION}: nothing is wrong.")
    if found:
        raise typer.Exit(1)


def _read(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    try:
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            return table.column_names, table.to_pylist()
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            return list(reader.fieldnames or []), list(reader)
    except (pa.ArrowException, OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: {str(error).splitlines()[0][:200]}") from None


def _span(service: Service, since: str, until: str) -> tuple[datetime, datetime]:
    """Return a span that begins with a UTC day, within what there is."""
    (extent,) = service.store.ask("ledger.costing", "extent")
    now = service.now()
    first = extent["first"] or now
    last = extent["last"] + timedelta(hours=1) if extent["last"] else now
    start = max(moment(since) or first, first).replace(hour=0, minute=0, second=0, microsecond=0)
    return start, min(moment(until, end=True) or last, last)


def _form(form: str) -> str:
    if form not in FORMATS:
        raise ConfigError(f"--format {form}: not one of {', '.join(FORMATS)}")
    return form


def _json(one: Written) -> dict[str, Any]:
    return {"path": one.path, "rows": one.rows, **({} if one.usd is None else {"usd": one.usd})}


def _tell(files: list[Written]) -> None:
    for one in files:
        money = "" if one.usd is None else f", {show.usd(one.usd)}"
        show.say(f"Wrote {one.path}: {show.several(one.rows, 'row')}{money}")
    if not files:
        show.say("Nothing to write: there is no money in these days. `breakeven cost` shows what there is.")
