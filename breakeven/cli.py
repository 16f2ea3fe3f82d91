"""The command line: demo, run, import, check, init; questions stand in `questions`, sources in `sources`."""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from breakeven import __version__, config, demo, logs, show
from breakeven.alerts import alerts_app
from breakeven.answers import asked_rows, moment, verdict_rows, zone_of
from breakeven.backup import backup_command, restore_command
from breakeven.bills import reconcile_command
from breakeven.capacity import capacity_app
from breakeven.chargeback import chargeback_command
from breakeven.command import Json, app, opened, options, print_json, progress, wants_json
from breakeven.doctor import examine
from breakeven.exports import export_app
from breakeven.gpus import idle_command
from breakeven.grafana import grafana_app
from breakeven.panels import show_command
from breakeven.questions import cost  # noqa: F401 - its commands
from breakeven.roles import ROLES, role
from breakeven.service import Service
from breakeven.sources import sources_app
from breakeven.tokens import tokens_app
from breakeven.verdicts import backtest_command, verdict_command, verdicts_table, whatif_command
from breakeven.why import why_command
from collector import files, remote
from collector.importer import Plan, Report, import_file
from collector.source import SOURCES
from collector.sources.requests_log import MAPPABLE, Defaults
from ledger.errors import BreakevenError, ConfigError
from ledger.store import Store

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

app.add_typer(sources_app, name="sources")
app.add_typer(capacity_app, name="capacity")
app.add_typer(grafana_app, name="grafana")
app.add_typer(alerts_app, name="alerts")
app.add_typer(export_app, name="export")
app.add_typer(tokens_app, name="tokens")
app.command("reconcile")(reconcile_command)
app.command("idle")(idle_command)
app.command("verdict")(verdict_command)
app.command("backtest")(backtest_command)
app.command("whatif")(whatif_command)
app.command("show")(show_command)
app.command("why")(why_command)
app.command("chargeback")(chargeback_command)
app.command("backup")(backup_command)
app.command("restore")(restore_command)


def main() -> None:
    """Run the command line; errors of ours are one message and an exit code, never a traceback."""
    logs.configure()
    try:
        app()
    except BreakevenError as error:
        show.warn(f"breakeven: {error}", style="red")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"breakeven {__version__}")
        raise typer.Exit


@app.callback()
def before(
    config_: Annotated[
        str | None,
        typer.Option("--config", metavar="FILE", help="Configuration; else BREAKEVEN_CONFIG, ./breakeven.toml."),
    ] = None,
    store: Annotated[
        str,
        typer.Option(
            "--store",
            metavar="URL",
            help="Folder, or clickhouse://user:password@host:8123/db; else BREAKEVEN_STORE.",
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Take the options that every command shares."""
    options.config = config_
    options.store = store or os.environ.get("BREAKEVEN_STORE", "")
    options.json = as_json


@app.command("demo")
def demo_(
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the page after the summary, or end.")] = True,
    listen: Annotated[str, typer.Option(help="Where the page listens.")] = "127.0.0.1:8400",
    as_of: Annotated[
        str, typer.Option("--as-of", help="Make it as of this day or instant: the same figures every time.")
    ] = "",
    keep: Annotated[
        Path | None, typer.Option(help="Keep store and configuration in this new folder, for other commands.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make sixty days of telemetry of both sides in a temporary store, and show what breakeven makes of it.

    With --keep FOLDER ask further: `breakeven --config FOLDER/breakeven.toml cost`.
    """
    from breakeven import web  # noqa: PLC0415 - the server is not needed by other commands

    if serve:
        web.address(listen)  # before a dozen seconds of work
    given = moment(as_of)
    now = given or datetime.now(UTC)
    settings = demo.config(now)
    with (
        tempfile.TemporaryDirectory(prefix="breakeven-demo-") as folder,
        Service.open(settings, _kept(keep, now) or folder) as service,
    ):
        service.demo, service.at = True, given
        with progress() as bar:
            task = bar.add_task("making telemetry", total=100)
            planted = demo.fill(
                service.store, service.prices, settings, now, lambda s: bar.update(task, completed=50 * s)
            )
            bar.update(task, description="costing")
            service.tick(lambda done, total: bar.update(task, completed=50 + 40 * done / max(1, total)))
            bar.update(task, description="judging")
            service.evaluate()
            bar.update(task, completed=100)
        bills = service.reconcile(now - timedelta(days=demo.DAYS), now)
        summary = demo.summary(service.store, planted, now, bills)
        if wants_json(as_json):
            print_json(summary)
        else:
            demo.tell(summary)
            verdicts_table(verdict_rows(service))
        if serve:
            said = f"The page is at http://{listen}/ — Ctrl-C ends the demo and forgets its data."
            web.serve(service, listen, told=said)


def _kept(folder: Path | None, as_of: datetime) -> str:
    """Prepare a folder that keeps the demo: its configuration, which names the store; return the store's place."""
    if folder is None:
        return ""
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty; name a new folder for --keep")
    folder.mkdir(parents=True, exist_ok=True)
    place = folder.resolve() / "store"
    (folder / "breakeven.toml").write_text(f'[store]\nurl = "{place}"\n\n{demo.text(as_of)}', "utf-8")
    return str(place)


@app.command()
def run(
    listen: Annotated[str, typer.Option(help="Where page, API and receivers listen; else [server] listen.")] = "",
    role_: Annotated[
        str,
        typer.Option(
            "--role",
            help=f"{', '.join(ROLES)}: one part, where several share a ClickHouse server. receive and web may be many; "
            "of collect and of schedule one works at a time, and another takes over within a minute.",
        ),
    ] = "all",
) -> None:
    """Run the service: store, receiver, jobs, page and API.

    On one machine that is all of it. Where a ClickHouse server holds the store, parts can run apart: `--role receive`
    takes telemetry, `web` shows pages and figures, `collect` asks providers, `schedule` costs, judges and alerts.
    """
    from breakeven import web  # noqa: PLC0415

    part = role(role_)
    with opened() as service:
        if role_ != "all" and not service.store.server:
            show.warn("--role: the store is a folder of this machine; parts on other machines cannot reach it.")
        logs.configure(service.config.server.log_format)
        address = listen or service.config.server.listen
        told = "" if role_ == "all" else f" as {role_}"
        scheme = "https" if service.config.server.tls_cert else "http"
        web.serve(service, address, part, f"breakeven {__version__}{told} at {scheme}://{address}/ — Ctrl-C ends it.")


@app.command("import")
def import_(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Files or folders: JSON lines, CSV, Parquet; also .gz and .zst. URLs of object stores too: "
            "s3://bucket/folder, gs://…, abfss://…, with the keys of your environment."
        ),
    ],
    mapping: Annotated[
        str,
        typer.Option(
            "--map",
            metavar="NAME=COLUMN,…",
            help=f"Columns of any other table. Names: {', '.join(MAPPABLE)}. "
            "`input` includes cached tokens, `input_fresh` does not.",
        ),
    ] = "",
    provider: Annotated[str, typer.Option(help="Who bills, where rows do not say: openai, anthropic, …")] = "",
    model: Annotated[str, typer.Option(help="Model, where rows do not say.")] = "",
    workload: Annotated[str, typer.Option(help="Workload of all rows.")] = "",
    team: Annotated[str, typer.Option(help="Team, where rows do not say.")] = "",
    side: Annotated[str, typer.Option(help="api or self_hosted.")] = "",
    deployment: Annotated[str, typer.Option(help="Declared deployment, where rows do not say.")] = "",
    account: Annotated[str, typer.Option(help="Tells two logs apart whose rows may be equal and carry no id.")] = "",
    timezone: Annotated[
        str,
        typer.Option(
            help="Zone of times without one, such as Europe/Berlin. "
            "With --map the default is UTC; other rows without a zone are rejected."
        ),
    ] = "",
    form: Annotated[str, typer.Option("--format", help="jsonl, csv or parquet, where the name does not tell.")] = "",
    kind: Annotated[str, typer.Option(help=f"{', '.join(SOURCES)}, where the rows do not tell.")] = "",
    pool: Annotated[str, typer.Option(help="Pool of GPU samples.")] = "",
    as_json: Json = False,
) -> None:
    """Import request logs, GPU samples and bills. Importing again changes nothing.

    Known without --map: responses of OpenAI, Anthropic, Gemini and Bedrock (also wrapped under `response`
    or `body`), batch outputs, LiteLLM and Cloudflare log rows, Ollama, breakeven's own lines, GPU samples, bills in
    FOCUS, AWS Cost and Usage Reports, Azure cost exports, Google billing rows. Prompts and answers are not stored.

    Exit 0 when every row was taken or known, 1 when some were rejected (they are listed, kept in the table
    `rejected`, and the good rows are in), 2 when a file cannot be read.
    """
    plan = Plan(
        map=_mapping(mapping), format=form, kind=kind, pool=pool,
        defaults=Defaults(provider, model, workload, team, "", side, deployment, account,
                          zone_of(timezone) if timezone else None),
    )  # fmt: skip
    now = datetime.now(UTC)
    reports: list[Report] = []
    with tempfile.TemporaryDirectory() as copies, opened() as service:
        found = files.expand(_local(paths, Path(copies)))
        if plan.map and not timezone and not wants_json(as_json):
            show.warn("Times without a zone are read as UTC; --timezone names another.")
        with progress() as bar:
            for path in found:
                task = bar.add_task(path.name, total=path.stat().st_size)
                told = partial(_done, bar, task)
                reports.append(import_file(service.store, service.prices, service.attribution, path, plan, now, told))
        service.tick()
    total = {name: sum(getattr(r.counts, name) for r in reports) for name in ("accepted", "duplicate", "rejected")}
    if wants_json(as_json):
        print_json(total)
    else:
        _print_reports(reports, total)
    if total["rejected"]:
        raise typer.Exit(1)


def _local(paths: list[str], copies: Path) -> list[Path]:
    """Return local paths; what is in an object store is copied."""
    return [
        remote.fetch(path, copies / str(number)) if remote.is_remote(path) else Path(path)
        for number, path in enumerate(paths)
    ]


def _done(bar: Progress, task: TaskID, completed: int) -> None:
    bar.update(task, completed=completed)


def _mapping(text: str) -> dict[str, str]:
    out: dict[str, str] = {}
    for part in text.split(",") if text else []:
        name, found, column = part.partition("=")
        if not found or not name.strip() or not column.strip():
            raise ConfigError(f"--map {part!r}: write NAME=COLUMN, parts separated by commas")
        out[name.strip()] = column.strip()
    return out


def _print_reports(reports: list[Report], total: dict[str, int]) -> None:
    for one in reports:
        for line, bad in one.examples:
            show.warn(f"{one.path}:{line}: {bad.field}: {bad.reason}")
        more = one.counts.rejected - len(one.examples)
        if more > 0:
            show.warn(f"{one.path}: {more} more rows rejected; see the table `rejected`")
        for provider, model in sorted(one.without_price):
            show.warn(
                f"{one.path}: no price for {provider}/{model}: its tokens are counted, its money is unknown. "
                "Add [[prices.override]] to breakeven.toml, then `breakeven prices apply`"
            )  # fmt: skip
    show.say(f"accepted {total['accepted']:,} / duplicate {total['duplicate']:,} / rejected {total['rejected']:,}")


@app.command()
def check(
    deep: Annotated[
        bool, typer.Option("--deep", help="Also read every part of the store, and hold all sums against each other.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Validate the configuration, reach the store, and name what is missing; exit 1 if something is.

    With --deep, a check-up of the store: files against their checksums, requests against hours against days to the
    last decimal, ids, clocks, disk, prices, jobs.
    """
    found = config.find(options.config)
    settings = config.load(options.config)
    findings: list[str] = []
    facts: dict[str, Any] = {
        "config": str(found) if found else "defaults",
        "store": _without_password(options.store or settings.store.url),
    }
    with Service.open(settings, options.store) as service:
        facts["confined"] = service.store.confined
        if not service.store.confined:
            findings.append("free SQL is off: this system cannot confine the embedded engine (Landlock not available)")
        facts["unpriced_models"] = len(service.store.ask("breakeven", "unpriced_models"))
        if facts["unpriced_models"]:
            findings.append(f"{facts['unpriced_models']} models were used without a price: breakeven prices check")
        findings += [
            f"pools.{name}.owned: no tariff_usd_per_kwh; power is not in its cost"
            for name, pool in settings.pools.items()
            if pool.owned is not None and pool.owned.tariff_usd_per_kwh is None
        ]
        findings += [
            f"{node}: GPU {gpu} reports and no pool pays for it: its cost is unknown; add the host to `nodes` of a pool"
            for node, gpu in service.unpriced_gpus(datetime.now(UTC))
        ]
        findings += [
            f"deployments.{one.name}: no capacity is known; verdicts about it stay insufficient: breakeven capacity"
            for one in service.declared().own
            if not (one.s_per_uncached or one.s_per_output)
        ]
        findings += [
            f"sources.{row['source']}: {row['error'] or 'never asked; breakeven sources pull'}"
            for row in asked_rows(service)
            if row["error"] or not row["last_success"]
        ]
        if deep:
            with progress() as bar:
                task = bar.add_task("checking", total=None)
                looked = examine(service, lambda done, total: bar.update(task, completed=done, total=total))
            facts |= {one.name: one.seen for one in looked}
            findings += [f"{one.name}: {one.wrong}" for one in looked if one.wrong]
    if not settings.workloads:
        findings.append("no [workloads.NAME]: requests stay unassigned and there is no verdict")
    if not settings.pools:
        findings.append("no [pools.NAME]: the cost of your own GPUs is unknown")
    if wants_json(as_json):
        print_json({**facts, "findings": findings})
    else:
        for name, value in facts.items():
            show.say(f"{name}: {value}")
        for finding in findings:
            show.say(f"missing: {finding}")
        show.say("ok" if not findings else show.several(len(findings), "finding"))
    if findings:
        raise typer.Exit(1)


def _without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    return f"{head.split('://')[0]}://…@{tail}" if at else url


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = Path("breakeven.toml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite it.")] = False,
) -> None:
    """Write a commented configuration to start from."""
    if path.exists() and not force:
        raise ConfigError(f"{path} is there already; --force overwrites it")
    path.write_text(config.example(), "utf-8")
    show.say(f"Wrote {path}. Fill in pools, deployments and workloads, then `breakeven check`.")


@app.command()
def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only name what would be applied.")] = False,
    as_json: Json = False,
) -> None:
    """Bring the store's schema up to date. Every other command does so too."""
    settings = config.load(options.config)
    with Store(config.with_password(options.store or settings.store.url), cluster=settings.store.cluster) as store:
        names = store.migrate(dry_run=dry_run)
    if wants_json(as_json):
        print_json({"migrations": names, "dry_run": dry_run})
    else:
        show.say("\n".join(names) or "The schema is up to date.")
