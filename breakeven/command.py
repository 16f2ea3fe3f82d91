"""What every command shares: the application, options that stand before the command, opening the ledger."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from breakeven import config, show
from breakeven.service import Service

app = typer.Typer(
    help="What a request really costs on an API and on your own GPUs, and when switching pays off.\n\n"
    "Start with `breakeven demo`: both sides, a verdict and idle money in under a minute, with no server, GPU or key. "
    "Then `breakeven import your.log.jsonl` and `breakeven cost`. `breakeven init` writes a configuration in which you "
    "declare GPUs, deployments and workloads; `breakeven verdict` then says where each workload would cost less.\n\n"
    "Exit codes: 0 ok, 1 findings (rejected rows, failed checks), 2 usage or configuration, "
    "3 store or source unreachable.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@dataclass(slots=True)
class Options:
    """Options that stand before the command."""

    config: str | None = None
    store: str = ""
    json: bool = False


options = Options()
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def opened() -> Service:
    """Open the ledger that the options name."""
    missing = config.find(options.config) is None
    service = Service.open(config.load(options.config), options.store, without_file=missing)
    if service.foreign:
        show.warn(
            "No configuration here, but this store has been used with one: GPU pools, overheads and own prices stay as "
            "they were. Name it with --config."
        )
    return service


def print_json(value: Any) -> None:
    """Print a value for scripts."""
    typer.echo(json.dumps(show.plain(value)))


def wants_json(here: bool) -> bool:
    """Say whether --json stands before or behind the command."""
    return here or options.json


def progress() -> Progress:
    """Return a bar on stderr for long work; nothing where nobody looks."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeRemainingColumn(),
        console=show.errors, transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip
