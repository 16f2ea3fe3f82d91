"""The sources command: where facts came from, how each provider that is asked is doing, asking now or far back."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from breakeven import show
from breakeven.answers import asked_rows, fact_rows, moment, overlap_rows
from breakeven.command import Json, opened, print_json, wants_json
from collector.source import source
from ledger.errors import ConfigError

if TYPE_CHECKING:
    from breakeven.service import Service

sources_app = typer.Typer(
    help="Where facts came from: last event, rows, rejected rows, and how each provider that is asked is doing.",
    rich_markup_mode=None,
)


@sources_app.callback(invoke_without_command=True)
def sources(context: typer.Context, as_json: Json = False) -> None:
    """List where facts came from, and how each provider that is asked is doing.

    A rejected row stays in the table `rejected` with its origin, line, field and reason; the good rows are in.
    Sources to ask are declared in [sources.NAME] of the configuration.
    """
    if context.invoked_subcommand:
        return
    with opened() as service:
        rows, asked, overlap = fact_rows(service), asked_rows(service), overlap_rows(service)
    if wants_json(as_json):
        print_json({"rows": rows, "asked": asked, "overlap": overlap})
    elif not rows and not asked:
        show.say(
            "No source has brought anything yet. `breakeven import FILE`, send OTLP to /v1/traces of `breakeven run`, "
            "or declare [sources.NAME] and `breakeven sources pull`."
        )
    else:
        if rows:
            _facts(rows)
        if asked:
            _asked(asked)
        if overlap:
            _overlap(overlap)


def _facts(rows: list[dict[str, Any]]) -> None:
    show.table(
        "Facts",
        ["source", "kind", "rows>", "24 h>", "first event", "last event", "stored last", "provisional>", "rejected>"],
        [
            [
                str(r["source"]), str(r["kind"]), show.count(r["rows"]), show.count(r["rows_24h"]),
                show.when(r["first"]), show.when(r["last"]),
                show.when(r["stored"]), show.count(r["provisional"]), show.count(r["rejected"]),
            ]
            for r in rows
        ],
    )  # fmt: skip


def _overlap(rows: list[dict[str, Any]]) -> None:
    show.table(
        "Told twice, counted once · last 30 days",
        ["provider", "counted", "days>", "tokens of requests>", "tokens of reports>"],
        [
            [
                r["provider"], r["counted"], show.count(r["days"]), show.compact(r["request_tokens"]),
                show.compact(r["reported_tokens"]),
            ]
            for r in rows
        ],
        "`authoritative` in [sources.NAME] decides; breakeven reconcile names what is missing",
    )  # fmt: skip


def _asked(rows: list[dict[str, Any]]) -> None:
    show.table(
        "Asked",
        ["source", "kind", "what", "complete through", "last success", "rows>"],
        [
            [
                str(r["source"]), str(r["kind"]), str(r["stream"]), show.when(r["complete_through"]),
                show.when(r["last_success"]), show.count(r["rows"]),
            ]
            for r in rows
        ],
    )  # fmt: skip
    for row in rows:
        if row["error"]:
            show.warn(str(row["error"]), style="red")


@sources_app.command()
def pull(
    name: Annotated[str, typer.Argument(help="One source of [sources.NAME]; else all.")] = "",
    as_json: Json = False,
) -> None:
    """Ask the declared sources now; exit 3 if one could not be asked. `breakeven run` does so by itself."""
    with opened() as service:
        _poll(service, name, None)
        asked = asked_rows(service, name)
    _tell(asked, as_json)


@sources_app.command()
def backfill(
    name: Annotated[str, typer.Argument(help="A source of [sources.NAME].")],
    since: Annotated[str, typer.Option(help="From when on: 90d, or a date.")],
    as_json: Json = False,
) -> None:
    """Ask a source for its past, window by window. Run it again after a break: what is stored is only replaced."""
    with opened() as service:
        _poll(service, name, moment(since))
        asked = asked_rows(service, name)
    _tell(asked, as_json)


def _poll(service: Service, name: str, since: datetime | None) -> None:
    chosen = [given for given in service.config.asked() if name in ("", given.name)]
    if not chosen:
        known = ", ".join(g.name for g in service.config.asked()) or "none declared; see [sources.NAME]"
        raise ConfigError(f"source {name or 'none'}: not one of {known}")
    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("windows"),
                  console=show.errors, transient=True, disable=not sys.stderr.isatty()) as bar:  # fmt: skip
        for given in chosen:
            for stream in source(given.kind).streams:
                told = partial(_told, bar, bar.add_task(f"{given.name} {stream.name}", total=None))
                service.puller.poll(given, stream, datetime.now(UTC), since, told)
    service.tick()


def _told(bar: Progress, task: TaskID, done: int, total: int) -> None:
    bar.update(task, completed=done, total=total)


def _tell(asked: list[dict[str, Any]], as_json: bool) -> None:
    if wants_json(as_json):
        print_json({"asked": asked})
    else:
        _asked(asked)
    if any(row["error"] for row in asked):
        raise typer.Exit(3)
