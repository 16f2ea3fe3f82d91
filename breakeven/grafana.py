"""The grafana command: dashboards as files that Grafana provisions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from breakeven import show
from breakeven.command import Json, print_json, wants_json
from dashboards import grafana

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
    as_json: Json = False,
) -> None:
    """Write dashboards, data source and provider as files that Grafana provisions.

    Needs Grafana 11.6 or later with the ClickHouse plugin 4.15 or later. The data source reads
    BREAKEVEN_CLICKHOUSE_HOST and BREAKEVEN_GRAFANA_PASSWORD from Grafana's environment; mount the dashboards at
    /etc/breakeven/dashboards. Written again, the files are the same byte for byte.
    """
    changed = grafana.write(out)
    if wants_json(as_json):
        print_json({"out": str(out), "changed": changed, "files": sorted(grafana.files())})
    else:
        show.say(f"{show.several(len(grafana.files()), 'file')} in {out}, {len(changed)} changed.")
