"""The command line: demo, run, import, and questions; each with --json for scripts."""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from breakeven import __version__, config, demo, show
from breakeven.service import Service
from collector import files
from collector.importer import Plan, Report, import_file
from collector.sources.requests_log import MAPPABLE, Defaults
from ledger.costing import report
from ledger.errors import BreakevenError, ConfigError

app = typer.Typer(
    help="What a request really costs on an API and on your own GPUs, and when switching pays off.\n\n"
    "Start with `breakeven demo`: both sides, a verdict and idle money in under a minute, with no server, GPU or key. "
    "Then `breakeven import your.log.jsonl` and `breakeven cost`. `breakeven init` writes a configuration in which you "
    "declare GPUs, deployments and workloads; `breakeven verdict` then says where each workload would cost less.\n\n"
    "Exit codes: 0 ok, 1 findings (rejected rows, failed checks), 2 usage or configuration, 3 store or source unreachable.",
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


def main() -> None:
    """Run the command line; errors of ours are one message and an exit code, never a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except BreakevenError as error:
        show.errors.print(f"breakeven: {error}", style="red")
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
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that every command shares."""
    options.config = config_
    options.store = store or os.environ.get("BREAKEVEN_STORE", "")
    options.json = as_json


def _open() -> Service:
    return Service.open(config.load(options.config), options.store)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(show.plain(value)))


def _wants_json(here: bool) -> bool:
    return here or options.json


@app.command("demo")
def demo_(
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the page after the summary, or end.")] = True,
    listen: Annotated[str, typer.Option(help="Where the page listens.")] = "127.0.0.1:8400",
    as_json: Json = False,
) -> None:
    """Make sixty days of telemetry of both sides in a temporary store, and show what breakeven makes of it."""
    from breakeven import web  # noqa: PLC0415 - the server is not needed by other commands

    as_of = datetime.now(UTC)
    settings = demo.config(as_of)
    with (
        tempfile.TemporaryDirectory(prefix="breakeven-demo-") as folder,
        Service.open(settings, folder) as service,
    ):
        service.demo = True
        with _progress() as bar:
            task = bar.add_task("making telemetry", total=100)
            planted = demo.fill(
                service.store, service.prices, settings, as_of, lambda s: bar.update(task, completed=50 * s)
            )
            bar.update(task, description="costing")
            service.tick(lambda done, total: bar.update(task, completed=50 + 40 * done / max(1, total)))
            bar.update(task, description="judging")
            service.evaluate()
            bar.update(task, completed=100)
        summary = demo.summary(service.store, planted, as_of)
        if _wants_json(as_json):
            _print_json(summary)
        else:
            demo.tell(summary)
            _verdicts(service, "", explain=False)
        if serve:
            show.errors.print(f"The page is at http://{listen}/ — Ctrl-C ends the demo and forgets its data.")
            web.serve(service, listen)


@app.command()
def run(
    listen: Annotated[str, typer.Option(help="Where page, API and receivers listen; else [server] listen.")] = "",
) -> None:
    """Run the service: store, receiver, jobs, page and API."""
    from breakeven import web  # noqa: PLC0415

    with _open() as service:
        address = listen or service.config.server.listen
        show.errors.print(f"breakeven {__version__} at http://{address}/ — Ctrl-C ends it.")
        web.serve(service, address)


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders: JSON lines, CSV, Parquet; also .gz and .zst.")],
    mapping: Annotated[
        str,
        typer.Option(
            "--map",
            metavar="NAME=COLUMN,…",
            help=f"Columns of any other table. Names: {', '.join(MAPPABLE)}. `input` includes cached tokens, `input_fresh` does not.",
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
            help="Zone of times without one, such as Europe/Berlin. With --map the default is UTC; other rows without a zone are rejected."
        ),
    ] = "",
    form: Annotated[str, typer.Option("--format", help="jsonl, csv or parquet, where the name does not tell.")] = "",
    kind: Annotated[str, typer.Option(help="requests_log or gpu_log, where the rows do not tell.")] = "",
    pool: Annotated[str, typer.Option(help="Pool of GPU samples.")] = "",
    as_json: Json = False,
) -> None:
    """Import request logs and GPU samples. Importing again changes nothing.

    Known without --map: responses of OpenAI, Anthropic, Gemini and Bedrock (also wrapped under `response` or `body`), batch
    outputs, LiteLLM and Cloudflare log rows, Ollama, breakeven's own lines, GPU samples. Prompts and answers are not stored.

    Exit 0 when every row was taken or known, 1 when some were rejected (they are listed, kept in the table
    `rejected`, and the good rows are in), 2 when a file cannot be read.
    """
    plan = Plan(
        map=_mapping(mapping), format=form, kind=kind, pool=pool,
        defaults=Defaults(provider, model, workload, team, "", side, deployment, account, _zone(timezone)),
    )  # fmt: skip
    now = datetime.now(UTC)
    found = files.expand(paths)
    reports: list[Report] = []
    with _open() as service:
        if plan.map and not timezone and not _wants_json(as_json):
            show.errors.print("Times without a zone are read as UTC; --timezone names another.")
        with _progress() as bar:
            for path in found:
                task = bar.add_task(path.name, total=path.stat().st_size)
                reports.append(
                    import_file(
                        service.store,
                        service.prices,
                        service.attribution,
                        path,
                        plan,
                        now,
                        lambda done, task=task: bar.update(task, completed=done),
                    )  # fmt: skip
                )
        service.tick()
    total = {name: sum(getattr(r.counts, name) for r in reports) for name in ("accepted", "duplicate", "rejected")}
    if _wants_json(as_json):
        _print_json(total)
    else:
        _print_reports(reports, total)
    if total["rejected"]:
        raise typer.Exit(1)


def _mapping(text: str) -> dict[str, str]:
    out: dict[str, str] = {}
    for part in text.split(",") if text else []:
        name, found, column = part.partition("=")
        if not found or not name.strip() or not column.strip():
            raise ConfigError(f"--map {part!r}: write NAME=COLUMN, parts separated by commas")
        out[name.strip()] = column.strip()
    return out


def _zone(name: str) -> ZoneInfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ConfigError(f"--timezone {name}: no such zone; write one like UTC or Europe/Berlin") from None


def _print_reports(reports: list[Report], total: dict[str, int]) -> None:
    for one in reports:
        for line, bad in one.examples:
            show.errors.print(f"{one.path}:{line}: {bad.field}: {bad.reason}")
        more = one.counts.rejected - len(one.examples)
        if more > 0:
            show.errors.print(f"{one.path}: {more} more rows rejected; see the table `rejected`")
        for provider, model in sorted(one.without_price):
            show.errors.print(
                f"{one.path}: no price for {provider}/{model}: its tokens are counted, its money is unknown. "
                "Add [[prices.override]] to breakeven.toml, then `breakeven prices apply`"
            )  # fmt: skip
    show.console.print(
        f"accepted {total['accepted']:,} / duplicate {total['duplicate']:,} / rejected {total['rejected']:,}"
    )


@app.command()
def cost(
    by: Annotated[str, typer.Option(help=f"Group by, separated by commas: {', '.join(report.DIMENSIONS)}.")] = "side",
    since: Annotated[
        str,
        typer.Option(help="30d, 12h, a date or an instant with zone; from this hour on. Default: everything."),
    ] = "",
    until: Annotated[str, typer.Option(help="The same; up to but without this hour. A date includes that day.")] = "",
    bucket: Annotated[str, typer.Option(help="hour, day or month (UTC).")] = "",
    basis: Annotated[
        str,
        typer.Option(help="allocation: everything paid, the one to hold against an API price. usage: work only."),
    ] = "allocation",
    as_json: Json = False,
) -> None:
    """Show what requests cost, at the prices in force when they were made.

    JSON: {"rows": [{group…, "requests", "successful_requests", "total_input", "output", "cost", "cost_per_request",
    "cost_per_mtok", "unpriced_tokens"}], "total": {the same}}. Money is text in USD, unknown is null.
    """
    names = [name.strip() for name in by.split(",") if name.strip()]
    with _open() as service:
        service.tick()
        rows, total = report.cost(
            service.store,
            by=names,
            since=moment(since),
            until=moment(until, end=True),
            bucket=bucket,
            basis=basis,
        )
    if _wants_json(as_json):
        _print_json({"rows": [row.json() for row in rows], "total": total.json()})
        return
    if not rows:
        show.console.print(
            "Nothing here yet. `breakeven import FILE` brings in a request log; `breakeven demo` shows how it looks."
        )
        return
    groups = list(rows[0].group)
    show.table(
        f"Cost · {basis} basis · booked prices · USD · UTC",
        [*groups, "requests>", "ok>", "input>", "output>", "cost>", "per 1k>", "per 1M tok>", "unpriced>"],
        [[*(_group(row, name) for name in groups), *_figures(row)] for row in [*rows]] + [[*(["total"] + [""] * (len(groups) - 1))[: len(groups)], *_figures(total)]],
        "per 1k successful requests, per 1M tokens · ≥ lower bound: some tokens have no price · – no single workload: idle GPUs, overheads",
    )  # fmt: skip


def _group(row: report.Cost, name: str) -> str:
    return row.group[name] or "–"


def _figures(row: report.Cost) -> list[str]:
    bound = bool(row.unpriced_tokens or row.no_usage)
    per_1k = row.per_request * 1000 if row.per_request is not None else None
    return [
        show.count(row.requests), show.count(row.successful_requests), show.compact(row.total_input),
        show.compact(row.output), show.usd(row.cost, bound=bound), "–" if per_1k is None else show.usd(per_1k, bound=bound),
        "–" if row.per_mtok is None else show.usd(row.per_mtok, bound=bound), show.compact(row.unpriced_tokens),
    ]  # fmt: skip


def moment(text: str, *, end: bool = False) -> datetime | None:
    """Return an instant of `30d`, `12h`, a date (its end with `end`) or ISO text with a zone; raises ConfigError."""
    if not text:
        return None
    units = {"h": 1, "d": 24, "w": 168}
    if text[-1] in units and text[:-1].isdigit():
        return datetime.now(UTC) - timedelta(hours=int(text[:-1]) * units[text[-1]])
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is not a time: write 30d, 2026-11-22 or 2026-11-22T10:00Z") from None
    if len(text) == 10:
        return found.replace(tzinfo=UTC) + timedelta(days=int(end))
    if found.tzinfo is None:
        raise ConfigError(f"{text} has no time zone: append Z for UTC")
    return found.astimezone(UTC)


@app.command()
def verdict(
    workload: Annotated[str, typer.Argument(help="One workload; else all.")] = "",
    explain: Annotated[bool, typer.Option("--explain", help="Show every option with its figures.")] = False,
    as_json: Json = False,
) -> None:
    """Say for each declared workload where it would cost less: api, self_hosted, or hybrid with how many replicas."""
    with _open() as service:
        service.tick()
        service.evaluate()
        if _wants_json(as_json):
            _print_json({"rows": verdict_rows(service, workload)})
        else:
            _verdicts(service, workload, explain=explain)


def verdict_rows(service: Service, workload: str = "") -> list[dict[str, Any]]:
    """Return the latest verdicts, one dict a workload, details unpacked."""
    rows = service.store.ask("ledger.verdict", "latest", workload=workload)
    return [{**row, "details": json.loads(row["details"])} for row in rows]


def _verdicts(service: Service, workload: str, *, explain: bool) -> None:
    rows = verdict_rows(service, workload)
    if not rows:
        show.console.print(
            "No workload is declared. `breakeven init` writes a configuration with [workloads.NAME] and [deployments.NAME]."
        )
        return
    show.table(
        "Verdicts · last 28 complete days · current prices · USD per 720 h",
        ["workload", "now", "verdict", "API>", "best>", "saving>", "use needed / given>"],
        [
            [
                row["workload"], row["current"] or "–", _label(row), show.usd(row["api_usd_month"]),
                show.usd(row["candidate_usd_month"]), show.usd(row["saving_usd_month"]),
                f"{show.share(row['used_share_needed'])} / {show.share(row['used_share'])}",
            ]
            for row in sorted(rows, key=lambda r: r["workload"])
        ],
        "Uncertainty and policy are not weighed yet: a verdict is a first answer.",
    )  # fmt: skip
    for row in sorted(rows, key=lambda r: r["workload"]):
        flip = f" ({row['flips_at']})" if row["flips_at"] else ""
        show.console.print(f"{row['workload']}: {row['reason']}{flip}")
    if explain:
        for row in rows:
            _explain(row)


def _label(row: dict[str, Any]) -> str:
    return f"{row['verdict']} n={row['replicas']}" if row["verdict"] == "hybrid" else str(row["verdict"])


def _explain(row: dict[str, Any]) -> None:
    facts, judged = row["details"]["facts"], row["details"]["judgement"]
    show.console.print(
        f"\n{row['workload']}: {facts['days']} complete days, coverage {show.share(facts['coverage'])}, "
        f"priced {show.share(facts['priced_share'])}, {facts['successful_requests']:,} successful requests"
    )  # fmt: skip
    scale = 720 / facts["hours"] if facts["hours"] else 0
    for option in facts["api"]:
        month = None if option["usd"] is None else option["usd"] * scale
        show.console.print(f"  API {option['deployment']}: {show.usd(month)} a month")
    for choice in judged["choices"]:
        show.console.print(
            f"  own {choice['deployment']} (grade {choice['grade'] or '?'}): {choice['label']} with {choice['replicas']} replicas "
            f"{show.usd(choice['usd_month'])} a month; pool without overflow {choice['pool_replicas']} replicas "
            f"{show.usd(choice['pool_usd_month'])}; a full replica-hour displaces {show.usd(choice['displaced'])} "
            f"and costs {show.usd(choice['usd_replica_hour'])}{'; ' + ', '.join(choice['notes']) if choice['notes'] else ''}"
        )  # fmt: skip


@app.command()
def idle(
    since: Annotated[int, typer.Option("--hours", help="Hours before the last closed one.")] = 24,
    as_json: Json = False,
) -> None:
    """Show where the money of each GPU pool goes: used, headroom, loaded and empty GPUs, unknown."""
    with _open() as service:
        service.tick()
        pools = report.idle(service.store, datetime.now(UTC), since)
    if _wants_json(as_json):
        _print_json({"rows": [idle_row(one) for one in pools]})
        return
    if not pools:
        show.console.print(
            "No pool has a cost yet. Declare [pools.NAME] with gpus and usd_per_gpu_hour (`breakeven init`)."
        )
        return
    for one in pools:
        show.table(
            f"Pool {one.pool} · last {since} h · {show.usd(one.cost)} · used {show.share(one.used_share)} · "
            f"unused capacity {show.usd(one.idle_per_day)} a day · unknown {show.share(one.unknown_share)}",
            ["gpu", "deployment", "state now", "cost>", "used>", "serving>", "loaded, waiting>", "empty>", "unknown>", "last work"],
            [
                [
                    gpu["gpu"], gpu["deployment"] or "–", gpu["state_now"], show.usd(gpu["cost"]),
                    *(show.share(gpu[name] / gpu["seconds"] if gpu["seconds"] else None)
                      for name in ("used_s", "serving_s", "warm_idle_s", "unallocated_s", "unknown_s")),
                    show.when(gpu["last_busy"]),
                ]
                for gpu in one.gpus
            ],
        )  # fmt: skip


def idle_row(one: report.PoolIdle) -> dict[str, Any]:
    """Return a pool's idle figures for scripts."""
    return {
        "pool": one.pool, "cost": one.cost, "idle_usd_per_day": one.idle_per_day, "used_share": one.used_share,
        "unknown_share": one.unknown_share, "components": one.classes, "gpus": one.gpus,
    }  # fmt: skip


prices_app = typer.Typer(help="The price book: what tokens cost when.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(prices_app, name="prices")


@prices_app.command("list")
def prices_list(
    provider: Annotated[str, typer.Option(help="One provider.")] = "",
    model: Annotated[str, typer.Option(help="Part of a model's name.")] = "",
    as_json: Json = False,
) -> None:
    """List price rows, USD per million tokens."""
    with _open() as service:
        service.prices.refresh(datetime.now(UTC))
        rows = service.store.ask("breakeven", "price_list", provider=provider, model=model)
    if _wants_json(as_json):
        _print_json({"rows": rows})
        return
    show.table(
        "Prices · USD per million tokens",
        ["provider", "model", "variant", "above>", "valid from", "input>", "cache read>", "cache write>", "output>", "source"],
        [
            [
                r["provider"], r["model"], r["variant"], show.count(r["tier_start"]), f"{r['valid_from']:%Y-%m-%d}",
                *(show.usd(r[c]) if r[c] is not None else "unpriced"
                  for c in ("input_fresh_per_mtok", "cache_read_per_mtok", "cache_write_short_per_mtok", "output_per_mtok")),
                r["source"],
            ]
            for r in rows
        ],
        f"{len(rows)} rows" + ("; the first 500" if len(rows) == 500 else ""),
    )  # fmt: skip


@prices_app.command("check")
def prices_check(as_json: Json = False) -> None:
    """Name models that were used and have no price; exit 1 if there are any."""
    with _open() as service:
        service.tick()
        rows = service.store.ask("breakeven", "unpriced_models")
    if _wants_json(as_json):
        _print_json({"rows": rows})
    elif rows:
        show.table(
            "Used without a price: tokens counted, money unknown",
            ["provider", "model", "variant", "attempts>", "tokens>", "last"],
            [
                [
                    r["provider"],
                    r["model"],
                    r["tier"],
                    show.count(r["attempts"]),
                    show.count(r["tokens"]),
                    show.when(r["last"]),
                ]
                for r in rows
            ],
            "Add [[prices.override]] to breakeven.toml, then `breakeven prices apply`.",
        )
    else:
        show.console.print("Every model that was used has a price.")
    if rows:
        raise typer.Exit(1)


@prices_app.command("apply")
def prices_apply(as_json: Json = False) -> None:
    """Price attempts that had no price, from what is known now. What was priced before does not move."""
    with _open() as service:
        filled = service.prices.apply(datetime.now(UTC))
        service.tick()
    if _wants_json(as_json):
        _print_json({"priced": filled})
    else:
        show.console.print(f"{filled:,} attempts got a price.")


@app.command()
def sql(
    statement: Annotated[
        str,
        typer.Argument(
            help="One SELECT over v_requests, v_usage_hourly, v_cost_hourly, v_cost_daily, v_gpu_hourly, v_verdicts, v_prices."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Run a read-only SELECT against the documented views, at most 100,000 rows and 30 s."""
    with _open() as service:
        names, rows = service.store.read(statement)
    if _wants_json(as_json):
        _print_json({"columns": names, "rows": [list(row) for row in rows]})
    else:
        show.table(
            "",
            names,
            [["–" if v is None else str(show.plain(v)) for v in row] for row in rows],
            f"{len(rows)} rows",
        )


@app.command()
def sources(as_json: Json = False) -> None:
    """List where facts came from: last event, rows, rejected rows."""
    with _open() as service:
        rows = service.store.ask("breakeven", "sources")
    if _wants_json(as_json):
        _print_json({"rows": rows})
    elif not rows:
        show.console.print(
            "No source has brought anything yet. `breakeven import FILE`, or send OTLP to /v1/metrics of `breakeven run`."
        )
    else:
        show.table(
            "Sources", ["source", "kind", "rows>", "first event", "last event", "stored last", "rejected>"],
            [[r["source"], r["kind"], show.count(r["rows"]), show.when(r["first"]), show.when(r["last"]), show.when(r["stored"]), show.count(r["rejected"])] for r in rows],
        )  # fmt: skip


@app.command()
def check(as_json: Json = False) -> None:
    """Validate the configuration, reach the store, and name what is missing; exit 1 if something is."""
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
    if not settings.workloads:
        findings.append("no [workloads.NAME]: requests stay unassigned and there is no verdict")
    if not settings.pools:
        findings.append("no [pools.NAME]: the cost of your own GPUs is unknown")
    findings += [
        f"deployments.{name}: no measured capacity; verdicts about it stay insufficient_capacity"
        for name, one in settings.deployments.items()
        if one.side == "self_hosted" and not (one.s_per_mtok_uncached or one.s_per_mtok_output)
    ]
    if _wants_json(as_json):
        _print_json({**facts, "findings": findings})
    else:
        for name, value in facts.items():
            show.console.print(f"{name}: {value}")
        for finding in findings:
            show.console.print(f"missing: {finding}")
        show.console.print("ok" if not findings else f"{len(findings)} findings")
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
    show.console.print(f"Wrote {path}. Fill in pools, deployments and workloads, then `breakeven check`.")


@app.command()
def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only name what would be applied.")] = False,
    as_json: Json = False,
) -> None:
    """Bring the store's schema up to date. Every other command does so too."""
    from ledger.store import Store  # noqa: PLC0415

    settings = config.load(options.config)
    with Store(options.store or settings.store.url) as store:
        names = store.migrate(dry_run=dry_run)
    if _wants_json(as_json):
        _print_json({"migrations": names, "dry_run": dry_run})
    else:
        show.console.print("\n".join(names) or "The schema is up to date.")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeRemainingColumn(),
        console=show.errors, transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip
