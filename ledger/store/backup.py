"""Copies of a store that can be put back: files of the embedded engine, or Parquet for any; both with a manifest.

A copy is of one moment a table. Cursors are copied before derived tables, and those before facts: what came in between
is known as not yet done, and the next tick and the next poll do it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from ledger.errors import ConfigError, StoreRefused
from ledger.store.migrate import migrate, reload_dictionaries, shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ledger.store.client import Store

_PACKAGE = "ledger.store"
_FIRST = ("source_state", "batches", "job_runs")
_FACTS = ("requests", "gpu_samples", "engine_samples", "usage_buckets", "charges", "span_links")
_NOT_COPIED = ("schema_migrations",)
_SLICE_ROWS = 500_000
"""Most rows of one Parquet file: an answer of the store is at most 256 MiB."""
MANIFEST = "manifest.json"
WAITING = "receive"
"""Folder of a copy with what senders told and the store did not have yet."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A table that was put back: rows that the manifest names, and rows that are there."""

    table: str
    expected: int
    found: int


def backup(
    store: Store,
    target: Path,
    *,
    portable: bool = False,
    waiting: Path | None = None,
    told: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Copy a store into a new folder, while it works; return the manifest. Raises ConfigError for a folder in use.

    `portable`: Parquet, which any store takes back; needed for a server, whose files are elsewhere. `waiting`: the
    receive spool, copied first: what is loaded meanwhile is in the tables, and loaded twice it counts once.
    """
    if target.exists() and any(target.iterdir()):
        raise ConfigError(f"{target} is not empty; name a new folder")
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    if waiting is not None:
        _copy_waiting(waiting, partial / WAITING)
    names = _tables(store)
    copy = _rows if portable or store.server else _parts
    tables: dict[str, int] = {}
    with (partial if store.server else store.folder).joinpath("backup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the engine keeps the files of one copy at a time
        for number, name in enumerate(names):
            tables[name] = copy(store, name, partial / name)
            if told:
                told(number + 1, len(names))
    (partial / "backup.lock").unlink(missing_ok=True)
    found = {
        "breakeven": version("breakeven"),
        "schema": max(row["number"] for row in store.ask(_PACKAGE, "schema_migrations")),
        "form": "parquet" if copy is _rows else "parts",
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "tables": tables,
        "files": {str(path.relative_to(partial)): _sha256(path) for path in _files(partial)},
    }
    (partial / MANIFEST).write_text(json.dumps(found, indent=1), "utf-8")
    if target.exists():
        target.rmdir()
    partial.rename(target)  # last: what has the name is whole
    return found


def restore(
    store: Store, source: Path, told: Callable[[int, int], None] | None = None, *, waiting: Path | None = None
) -> list[Restored]:
    """Put a copy back into an empty store and hold it against its manifest, table by table.

    `waiting`: where the receive spool goes; the service that is started next loads it. Raises ConfigError for a store
    that has rows, a copy that is not whole or of a newer schema, StoreRefused where what was put back is not what was
    copied.
    """
    manifest = check(source)
    if store.ask(_PACKAGE, "filled_tables"):
        raise ConfigError("restore goes into an empty store only; name a new folder or database with --store")
    if manifest["form"] == "parts" and store.server:
        raise ConfigError(f"{source} holds files of the embedded engine; make a copy with --portable for a server")
    if (source / WAITING).is_dir():
        if waiting is None:
            raise ConfigError(f"{source} holds what senders told and no store had yet: name [server] spool for it")
        shutil.copytree(source / WAITING, waiting / f"restored-{source.name}")
    migrate(store, upto=manifest["schema"])
    done: list[Restored] = []
    for number, (name, rows) in enumerate(manifest["tables"].items()):
        put = _attach if manifest["form"] == "parts" else _insert
        put(store, name, source / name)
        done.append(Restored(name, rows, _count(store, name)))
        if told:
            told(number + 1, len(manifest["tables"]))
    migrate(store)
    reload_dictionaries(store)
    wrong = [one for one in done if one.expected != one.found]
    if wrong:
        first = wrong[0]
        raise StoreRefused(f"{len(wrong)} tables differ; {first.table}: {first.found} rows of {first.expected}")
    return done


def check(source: Path) -> dict[str, Any]:
    """Return the manifest of a copy whose files are all there and unchanged; raises ConfigError."""
    try:
        manifest: dict[str, Any] = json.loads((source / MANIFEST).read_text("utf-8"))
        files, schema = dict(manifest["files"]), int(manifest["schema"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{source} is no backup of breakeven: {MANIFEST}: {error}") from None
    known = shipped()[-1].number
    if schema > known:
        raise ConfigError(f"{source} has schema {schema}, this program knows {known}: use the newer breakeven")
    for name, digest in files.items():
        path = source / name
        if not path.is_file() or _sha256(path) != digest:
            raise ConfigError(f"{path}: {'changed' if path.is_file() else 'missing'} since the backup was made")
    return manifest


def _copy_waiting(source: Path, target: Path) -> None:
    for path in sorted(source.glob("*/*.seg")):
        target.mkdir(exist_ok=True, mode=0o700)
        with contextlib.suppress(FileNotFoundError):  # loaded since
            shutil.copyfile(path, target / path.name)


def _tables(store: Store) -> list[str]:
    names = [row["name"] for row in store.ask(_PACKAGE, "kept_tables") if row["name"] not in _NOT_COPIED]
    between = [name for name in names if name not in (*_FIRST, *_FACTS)]
    return [*(n for n in _FIRST if n in names), *between, *(n for n in _FACTS if n in names)]


def _parts(store: Store, table: str, target: Path) -> int:
    """Copy the engine's files of a table; return its rows."""
    shadow = store.folder / "engine" / "shadow" / "breakeven"
    shutil.rmtree(shadow, ignore_errors=True)
    try:
        store.tell(_PACKAGE, "freeze", table=table)
        rows = 0
        for part in sorted(path.parent for path in shadow.rglob("count.txt")):
            if re.fullmatch(r"\w+_\d+_\d+_\d+(?:_\d+)?", part.name):
                shutil.copytree(part, target / part.name)
                rows += int((part / "count.txt").read_text("ascii"))
        return rows
    finally:
        shutil.rmtree(shadow, ignore_errors=True)


def _attach(store: Store, table: str, source: Path) -> None:
    if not source.is_dir():
        return
    (row,) = store.ask(_PACKAGE, "table_folder", table=table)
    parts = sorted(path for path in source.iterdir() if path.is_dir())
    for part in parts:
        shutil.copytree(part, Path(row["folder"]) / "detached" / part.name)
    if parts:
        store.tell(_PACKAGE, "attach", table=table)


def _rows(store: Store, table: str, target: Path) -> int:
    """Copy the rows of a table as Parquet files of one partition each; return how many."""
    rows = 0
    for one in store.ask(_PACKAGE, "partitions", table=table):
        pieces = 1 + one["rows"] // _SLICE_ROWS
        for piece in range(pieces):
            given = {"table": table, "partition": one["partition"], "pieces": pieces, "piece": piece}
            data = store.fetch(_PACKAGE, "partition_rows", "Parquet", **given)
            target.mkdir(exist_ok=True)
            path = target / f"{one['partition']}-{piece:04d}.parquet"
            path.write_bytes(data)
            rows += pq.read_metadata(path).num_rows
    return rows


def _insert(store: Store, table: str, source: Path) -> None:
    if not source.is_dir():
        return
    columns = [row["name"] for row in store.ask(_PACKAGE, "plain_columns", table=table)]
    for path in sorted(source.glob("*.parquet")):
        store.put(table, columns, path.read_bytes(), token=f"restore:{_sha256(path)}")


def _count(store: Store, table: str) -> int:
    return int(store.ask(_PACKAGE, "count_rows", table=table)[0]["n"])


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
