"""The backup and restore commands."""

from __future__ import annotations

import contextlib
from pathlib import Path  # noqa: TC003 - typer asks for the hints at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from breakeven import config, show
from breakeven.command import Json, options, print_json, progress, wants_json
from breakeven.waiting import waiting
from ledger.store import Store
from ledger.store.backup import backup, restore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def backup_command(
    target: Annotated[Path, typer.Argument(help="New folder for the copy.")],
    portable: Annotated[
        bool, typer.Option("--portable", help="Parquet, which a server takes back too; slower and larger.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Copy the store, while it works, with a manifest of every table and file.

    The copy holds rows and hashes of access tokens, no configuration and no keys: keep the configuration beside it.
    """
    with _store() as (store, waits):
        found = _shown(
            "copying", lambda told: backup(store, target.absolute(), portable=portable, waiting=waits, told=told)
        )
    rows = sum(found["tables"].values())
    if wants_json(as_json):
        print_json(
            {"folder": str(target), "rows": rows, **{k: found[k] for k in ("schema", "form", "made_at", "tables")}}
        )
    else:
        show.say(f"{rows:,} rows of {len(found['tables'])} tables in {target}.")
        show.say(f"`breakeven --store NEW restore {target}` into a scratch folder proves it.")


def restore_command(
    source: Annotated[Path, typer.Argument(help="Folder of a backup.")],
    as_json: Json = False,
) -> None:
    """Put a backup back into an empty store, named by --store, and hold every table against the manifest.

    Run it into a scratch folder now and then: a backup that was never put back is a hope.
    """
    with _store() as (store, waits):
        done = _shown("putting back", lambda told: restore(store, source, told, waiting=waits))
        spent = store.ask("breakeven", "restored_totals")
    if wants_json(as_json):
        print_json({"tables": {one.table: one.found for one in done}, "totals": spent})
        return
    show.table("Restored", ["table", "rows in the backup>", "rows in the store>"],
               [[one.table, f"{one.expected:,}", f"{one.found:,}"] for one in done if one.expected])  # fmt: skip
    for row in spent:
        show.say(f"{row['side']}: {row['usd']:,.6f} USD booked, {row['first']:%Y-%m-%d} to {row['last']:%Y-%m-%d}")


@contextlib.contextmanager
def _store() -> Iterator[tuple[Store, Path | None]]:
    """Open the store; yield it with the folder of its receive spool."""
    given = config.load(options.config)
    with Store(config.with_password(options.store or given.store.url), cluster=given.store.cluster) as store:
        yield store, waiting(given, store).folder


def _shown(what: str, action: Callable[[Callable[[int, int], None]], Any]) -> Any:
    with progress() as bar:
        task = bar.add_task(what, total=None)
        return action(lambda done, total: bar.update(task, completed=done, total=total))
