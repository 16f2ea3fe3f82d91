"""The grafana commands: dashboards as files that Grafana provisions, or written to a running Grafana."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from alerts import grafana as rules
from breakeven import show
from breakeven.command import Json, print_json, wants_json
from breakeven.config import secret
from dashboards import grafana, sync
from ledger.errors import ConfigError

grafana_app = typer.Typer(
    help="The same dashboards in Grafana.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@grafana_app.callback()
def about() -> None:
    """Group what concerns Grafana."""


@grafana_app.command("render")
def render(
    out: Annotated[Path, typer.Option(help="Folder to write into.")] = Path("grafana"),
    alerting: Annotated[
        bool, typer.Option("--alerting", help="Let Grafana tell alerts: with [alerts] engine = grafana only.")
    ] = False,
    receiver: Annotated[str, typer.Option(help="A contact point of Grafana that the rules then go to.")] = "",
    as_json: Json = False,
) -> None:
    """Write dashboards, data source, provider and alert rules as files that Grafana provisions.

    Needs Grafana 11.6 or later with the ClickHouse plugin 4.15 or later. The data source reads
    BREAKEVEN_CLICKHOUSE_HOST and BREAKEVEN_GRAFANA_PASSWORD from Grafana's environment; mount the dashboards at
    /etc/breakeven/dashboards. Written again, the files are the same byte for byte.
    """
    files = {**grafana.files(), **rules.files(paused=not alerting, receiver=receiver)}
    changed = [*grafana.write(out), *rules.write(out, paused=not alerting, receiver=receiver)]
    if wants_json(as_json):
        print_json({"out": str(out), "changed": changed, "files": sorted(files)})
    else:
        show.say(f"{show.several(len(files), 'file')} in {out}, {len(changed)} changed.")


@grafana_app.command("sync")
def sync_command(
    url: Annotated[str, typer.Option(help="Grafana's address, such as http://127.0.0.1:3000.")],
    store_url: Annotated[
        str, typer.Option("--clickhouse", help="Where Grafana reaches the store over ClickHouse HTTP.")
    ] = "http://127.0.0.1:8123",
    user: Annotated[str, typer.Option(help="Reader of the store.")] = "breakeven_read",
    database: Annotated[str, typer.Option(help="Database of the store.")] = "breakeven",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; exit 1 if anything.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete dashboards of ours (be-, tag breakeven) that are gone.")
    ] = False,
    password: Annotated[bool, typer.Option("--password", help="Send the reader's password again.")] = False,
    locked: Annotated[bool, typer.Option("--locked", help="Let nobody edit them in Grafana.")] = False,
    as_json: Json = False,
) -> None:
    """Write data source, folder and dashboards to a running Grafana; a second time nothing is written.

    Takes GRAFANA_TOKEN (a service account's token) and BREAKEVEN_GRAFANA_PASSWORD (the reader's) from the
    environment, or from the files that GRAFANA_TOKEN_FILE and BREAKEVEN_GRAFANA_PASSWORD_FILE name. Touches only what
    is ours: uids that begin with be- and dashboards with the tag breakeven. Needs Grafana 11.6 and its ClickHouse
    plugin 4.15, or later.
    """
    place = urlsplit(store_url)
    if place.scheme not in ("http", "https") or not place.hostname or urlsplit(url).scheme not in ("http", "https"):
        raise ConfigError("--url and --clickhouse are addresses such as http://127.0.0.1:3000")
    store = sync.Store(
        place.hostname, place.port or (8443 if place.scheme == "https" else 8123), place.scheme == "https", user,
        database, secret("BREAKEVEN_GRAFANA_PASSWORD"), password,
    )  # fmt: skip
    with sync.Grafana(url, secret("GRAFANA_TOKEN"), locked=locked) as server:
        steps = sync.sync(server, store, dry_run=dry_run, prune=prune)
    changed = [step for step in steps if step.action != "same"]
    if wants_json(as_json):
        print_json({"dry_run": dry_run, "steps": [{"action": s.action, "kind": s.kind, "uid": s.what} for s in steps]})
    else:
        for step in steps:
            show.say(f"{step.action:6} {step.kind} {step.what}")
        would = "would be" if dry_run else "were"
        show.say(f"{show.several(len(changed), 'object')} {would} written.")
    if dry_run and changed:
        raise typer.Exit(1)
