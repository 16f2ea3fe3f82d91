"""The alerts commands: what fires, what fired, muting, acknowledging, testing channels, and what would have fired."""

from __future__ import annotations

import dataclasses
import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path  # noqa: TC003 - typer reads the hints at run time
from typing import Annotated, Any

import typer
from rich.progress import Progress

from breakeven import show
from breakeven.alerting import Alerting
from breakeven.answers import moment
from breakeven.command import Json, opened, print_json, wants_json
from breakeven.digest import digest, week_before
from ledger.errors import ConfigError

alerts_app = typer.Typer(help="Alerts: what fires, and who hears of it.", no_args_is_help=True, rich_markup_mode=None)


@alerts_app.command("list")
def list_(as_json: Json = False) -> None:
    """Show the alerts that fire or are about to, the gravest first."""
    with opened() as service:
        rows = Alerting(service).states()
    if wants_json(as_json):
        print_json({"rows": rows})
        return
    if not rows:
        show.say("Nothing fires. Rules and their limits: breakeven alerts rules; channels: breakeven alerts test.")
        return
    cells = [
        [
            row["severity"],
            row["state"],
            row["rule"],
            row["summary"],
            show.when(row["since"]),
            row["acknowledged_by"] or "–",
        ]
        for row in rows
    ]
    show.table("", ["severity", "state", "rule", "what", "since", "known to"], cells)


@alerts_app.command()
def rules(as_json: Json = False) -> None:
    """Show every rule with its limits, as the configuration leaves them."""
    with opened() as service:
        given = Alerting(service).rules
    rows: list[dict[str, Any]] = [
        {
            "rule": rule.name, "title": rule.title, "severity": rule.severity, "group": rule.group,
            "op": rule.condition.op, "threshold": rule.condition.threshold, "recovery": rule.condition.recovery,
            "pending_s": rule.condition.pending.total_seconds(), "runbook": f"docs/alerts.md#{rule.runbook}",
        }
        for rule in given.values()
    ]  # fmt: skip
    if wants_json(as_json):
        print_json({"rows": rows})
        return
    show.table(
        "", ["rule", "watches", "severity", "fires", "ends", "after"],
        [
            [
                r["rule"], r["title"], r["severity"], f"{r['op']} {r['threshold']:g}",
                "–" if r["recovery"] is None else f"{r['recovery']:g}", f"{r['pending_s'] / 60:g} min",
            ]
            for r in rows
        ],
        "Other limits: [alerts.rules.NAME] threshold, recovery, pending_s, off",
    )  # fmt: skip


@alerts_app.command()
def history(
    since: Annotated[str, typer.Option(help="From when on.")] = "30d",
    rule: Annotated[str, typer.Option(help="One rule; else all.")] = "",
    as_json: Json = False,
) -> None:
    """Show the alerts that fired, with beginning and end."""
    with opened() as service:
        rows = service.store.ask("alerts", "history", **{"from": moment(since), "rule": rule})
    if wants_json(as_json):
        print_json({"rows": rows})
        return
    if not rows:
        show.say("Nothing fired in this time.")
        return
    cells = [
        [show.when(r["since"]), show.when(r["until"]) if r["until"] else "still on", r["rule"], r["summary"]]
        for r in rows
    ]
    show.table("", ["since", "until", "rule", "what"], cells)


@alerts_app.command()
def mute(
    rule: Annotated[str, typer.Argument(help="Rule.")],
    until: Annotated[str, typer.Option("--for", help="How long: 2h, 3d.")] = "2h",
    reason: Annotated[str, typer.Option(help="Why, for those who wonder.")] = "",
) -> None:
    """Send nothing of a rule for a while; if it still fires then, it is told then."""
    now = datetime.now(UTC)
    given = moment(until)
    if given is None or given >= now:
        raise ConfigError(f"--for {until}: write how long, as 2h or 3d")
    end = now + (now - given)
    with opened() as service:
        Alerting(service).mute(rule, end, reason, now)
    show.say(f"{rule} is muted until {show.when(end)}.")


@alerts_app.command()
def ack(
    rule: Annotated[str, typer.Argument(help="Rule.")],
    series: Annotated[str, typer.Option(help="One alert of it, as `alerts list --json` names it; else all.")] = "",
    by: Annotated[str, typer.Option(help="Who knows; else you.")] = "",
) -> None:
    """Say that you know of a rule's alerts: they are not told again in this episode."""
    with opened() as service:
        number = Alerting(service).acknowledge(rule, by or getpass.getuser(), series)
    show.say(f"{show.several(number, 'alert')} of {rule} acknowledged.")


@alerts_app.command("test")
def trial(
    channel: Annotated[str, typer.Option(help="One channel; else all.")] = "",
    as_json: Json = False,
) -> None:
    """Send a message that says that it is a test; exit 1 if a channel does not take it."""
    with opened() as service:
        found = Alerting(service).trial(channel, datetime.now(UTC))
    if wants_json(as_json):
        print_json({"rows": [{"channel": name, "error": error} for name, error in found]})
    else:
        for name, error in found:
            show.say(f"{name}: {error or 'ok'}")
    if any(error for _, error in found):
        raise typer.Exit(1)


@alerts_app.command("digest")
def digest_command(
    out: Annotated[Path | None, typer.Option(help="Write an HTML file, else print text.")] = None,
    send: Annotated[bool, typer.Option("--send", help="Also send it to the channels, once a week.")] = False,
) -> None:
    """Show the last complete week: money of both sides, verdicts, who moved, unused GPUs, what to do.

    `breakeven run` sends it on Mondays from 08:00 UTC on.
    """
    with opened() as service:
        service.tick()
        start, end = week_before(service.now())
        found = digest(service, start, end)
        if send:
            alerting, now = Alerting(service), datetime.now(UTC)
            alerting.announce(found.message(service.config.alerts.url), now)
            alerting.deliver(now)
    if out is None:
        show.say(found.text())
    else:
        out.write_text(found.page(), "utf-8")
        show.say(f"{found.title}: {out}")


@alerts_app.command()
def simulate(
    since: Annotated[str, typer.Option(help="From when on.")] = "14d",
    until: Annotated[str, typer.Option(help="Up to when; else now.")] = "",
    every: Annotated[int, typer.Option(help="Hours from one look to the next.", min=1, max=24)] = 6,
    as_json: Json = False,
) -> None:
    """Say which alerts would have fired in the past with the limits of now. Nothing is stored or sent.

    Looks are hours apart, not minutes, so what lasts less than that is not seen.
    """
    with opened() as service:
        service.tick()
        end = moment(until, end=True) or service.now()
        start = moment(since) or end - timedelta(days=14)
        step = timedelta(hours=every)
        with Progress(console=show.errors, transient=True) as bar:
            task = bar.add_task("looks", total=int((end - start) / step) + 1)
            found = list(Alerting(service).simulate(start, end, step, lambda _: bar.advance(task)))
    found.sort(key=lambda one: (one.since, one.rule, sorted(one.labels.items())))
    if wants_json(as_json):
        print_json({"rows": [dataclasses.asdict(one) for one in found]})
        return
    if not found:
        show.say("Nothing would have fired.")
        return
    show.table(
        f"{show.several(len(found), 'alert')} would have fired", ["since", "until", "rule", "what"],
        [[show.when(o.since), show.when(o.until) if o.until else "still on", o.rule, o.summary] for o in found],
    )  # fmt: skip
