"""The capacity command: how much a replica of each own deployment can do, measured, set, or seen in production."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path  # noqa: TC003 - typer asks for the hints at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from breakeven import show
from breakeven.command import Json, opened, print_json, wants_json
from collector import fields
from ledger.errors import BadRow, ConfigError
from ledger.records import MeasuredCapacity
from ledger.verdict.capacity import Bucket, Fit, Observed, Point, Run, Slo, fit, observed, points
from ledger.verdict.load import Capacity

if TYPE_CHECKING:
    from breakeven.service import Service
    from ledger.records import Deployment

capacity_app = typer.Typer(
    help="How much a replica of each own deployment can do within its latency objective: "
    "the yardstick of used share and of verdicts.",
    rich_markup_mode=None,
)
COLUMNS = {
    "rate": ("rate", "request_rate", "rps"),
    "output_tok_s": ("output_tok_s", "tokens/s", "tok_s", "output_throughput"),
    "ttft_p99_ms": ("ttft_p99_ms", "ttft", "p99_ttft_ms"),
    "tpot_p90_ms": ("tpot_p90_ms", "tpot", "p90_tpot_ms"),
    "input_tokens": ("input_tokens", "input", "prompt_tokens"),
    "output_tokens": ("output_tokens", "output"),
    "cached_tokens": ("cached_tokens", "cached"),
}
"""Field of a run → columns of a ladder that it may stand in."""
_GRADES = "A load test at the own shape, B saturated production, C best seen, D published, E typed in"
_SECONDS = ("s_per_uncached", "s_per_cached", "s_per_output")
_DAYS = 28
Name = Annotated[str, typer.Argument(help="Own deployment, as in [deployments.NAME].")]


@capacity_app.callback(invoke_without_command=True)
def capacity(context: typer.Context, as_json: Json = False) -> None:
    """Show what each own deployment can do, how that is known, and what production shows.

    Seconds are those of one replica for a million tokens. `fit` reads a load test, `set` takes figures or what
    production showed. Figures in [deployments.NAME] win over stored ones. Grades: A load test at the own shape,
    B saturated production, C best seen (a lower bound), D published, E typed in; D and E do not decide a verdict.
    """
    if context.invoked_subcommand:
        return
    with opened() as service:
        rows = [_row(service, one) for one in service.declared().own]
    if wants_json(as_json):
        print_json({"rows": rows})
        return
    if not rows:
        show.say('No own deployment is declared: [deployments.NAME] with side = "self_hosted" (`breakeven init`).')
        return
    show.table(
        "Capacity of one replica · seconds per million tokens",
        ["deployment", "grade", "uncached>", "cached>", "output>", "known from", "since", "production shows"],
        [
            [
                r["deployment"], r["grade"] or "unknown",
                *(f"{r[n] * 1e6:,.1f}" if r["grade"] or r[n] else "–" for n in _SECONDS),
                r["known_from"], show.when(r["recorded_at"]), _seen(r["observed"]),
            ]
            for r in rows
        ],
        f"{_GRADES}. Production: last {_DAYS} days, output tokens/s of a replica within the objective.",
    )  # fmt: skip


@capacity_app.command("fit")
def fit_command(
    path: Annotated[Path, typer.Argument(help="CSV of a load test: one step a row.")],
    deployment: Annotated[str, typer.Option(help="Store the result as this deployment's capacity, grade A.")] = "",
    ttft: Annotated[float, typer.Option("--ttft-p99-ms", help="Objective if no deployment is named.")] = 2000.0,
    tpot: Annotated[float, typer.Option("--tpot-p90-ms", help="Objective if no deployment is named.")] = 50.0,
    as_json: Json = False,
) -> None:
    """Fit a capacity from a load-test ladder, and store it with --deployment.

    Columns: rate (requests/s offered), output_tok_s, ttft_p99_ms, tpot_p90_ms, input_tokens, output_tokens and
    optionally cached_tokens: means of a request, in all steps of one shape the same. One shape fixes the work of a
    request; two fix input and output apart, four also how it grows with the context.
    """
    runs = ladder(path)
    if not deployment:
        slo = Slo(ttft, tpot)
        found = points(runs, slo)
        _tell(found, fit(found), slo, as_json=as_json, stored="")
        return
    with opened() as service:
        slo = service.slo(_own(service, deployment).name)
        found = points(runs, slo)
        result = fit(found)
        if result is not None:
            _store(
                service,
                deployment,
                result,
                "A",
                slo,
                {"file": path.name, "points": [dataclasses.asdict(p) for p in found]},
            )
    _tell(found, result, slo, as_json=as_json, stored=deployment if result else "")


@capacity_app.command("set")
def set_command(
    deployment: Name,
    seen: Annotated[bool, typer.Option("--observed", help="Take what production shows, grade B or C.")] = False,
    uncached: Annotated[float, typer.Option(help="Replica-seconds per million uncached input tokens.", min=0)] = 0.0,
    cached: Annotated[float, typer.Option(help="The same for cached input tokens.", min=0)] = 0.0,
    output: Annotated[float, typer.Option(help="The same for output tokens.", min=0)] = 0.0,
    grade: Annotated[str, typer.Option(help="D for a published figure, E for a guess.")] = "E",
    note: Annotated[str, typer.Option(help="Where the figures are from.")] = "",
    as_json: Json = False,
) -> None:
    """Store a capacity: typed figures (grade D or E), or what production shows (--observed, grade B or C)."""
    if grade not in ("D", "E"):
        raise ConfigError(
            f"--grade {grade}: D (published) or E (typed in); A comes from `capacity fit`, B and C from --observed"
        )
    if seen == bool(uncached or cached or output):
        raise ConfigError("either --observed, or figures: --uncached, --cached, --output")
    with opened() as service:
        one = _own(service, deployment)
        slo = service.slo(deployment)
        evidence: dict[str, Any] = {"note": note}
        if seen:
            shown = _observed(service, one)
            if shown is None:
                raise ConfigError(
                    f"{deployment}: the last {_DAYS} days show no five minutes of work within the objective"
                )
            grade, result = shown.grade, shown.fit
            evidence |= {"output_tok_s": shown.theta, "buckets": shown.buckets}
        else:
            result = Fit(Capacity(uncached / 1e6, cached / 1e6, output / 1e6), "typed in", 0.0, ())
        _store(service, deployment, result, grade, slo, evidence)
    if wants_json(as_json):
        print_json({"deployment": deployment, "grade": grade, **_figures(result)})
    else:
        show.say(f"{deployment}: grade {grade}, {_words(result)}. Costs and verdicts follow at the next tick.")


def ladder(path: Path) -> list[Run]:
    """Return the runs of a CSV file; raises ConfigError naming file, row and column."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    if not rows:
        raise ConfigError(f"{path}: no rows; needed are the columns {', '.join(COLUMNS)}")
    return [_run(path, number, row) for number, row in enumerate(rows, 2)]


def _run(path: Path, line: int, row: dict[str, str]) -> Run:
    values: dict[str, float] = {}
    for name, spellings in COLUMNS.items():
        column = next((s for s in spellings if row.get(s)), "")
        if not column and name != "cached_tokens":
            raise ConfigError(f"{path}, line {line}: {name}: missing (also read as {', '.join(spellings[1:])})")
        try:
            values[name] = fields.number(row.get(column), name) or 0.0
        except BadRow as error:
            raise ConfigError(f"{path}, line {line}: {error.field}: {error.reason}") from None
    run = Run(**values)
    if not run.output_tok_s or not run.output_tokens or run.cached_tokens > run.input_tokens:
        raise ConfigError(
            f"{path}, line {line}: output_tok_s and output_tokens are above 0, cached_tokens at most input_tokens"
        )
    return run


def _own(service: Service, name: str) -> Deployment:
    known = {one.name: one for one in service.declared().own}
    if name not in known:
        raise ConfigError(f"{name}: not an own deployment; declared are {', '.join(known) or 'none'}")
    return known[name]


def _store(service: Service, name: str, found: Fit, grade: str, slo: Slo, evidence: dict[str, Any]) -> None:
    how = {"method": found.method, "error": found.error, "shapes": found.shapes, **evidence}
    service.store.add([
        MeasuredCapacity(
            name, datetime.now(UTC), found.capacity.uncached, found.capacity.cached, found.capacity.output,
            found.capacity.kv, grade, slo.ttft_p99_ms, slo.tpot_p90_ms, json.dumps(how),
        )
    ])  # fmt: skip
    given = service.config.deployments[name]
    if given.s_per_mtok_uncached or given.s_per_mtok_output:
        show.warn(f"deployments.{name} in the configuration has its own figures; they win until they are removed.")


def _observed(service: Service, one: Deployment) -> Observed | None:
    now = datetime.now(UTC)
    own = service.declared().own
    rows = service.store.ask(
        "ledger.verdict", "throughput", deployment=one.name, names=[d.name for d in own],
        models=[d.model for d in own], **{"from": now - timedelta(days=_DAYS), "to": now},
    )  # fmt: skip
    by_time: dict[datetime, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_time[row["at"]].append(row)
    size = max(1, len(one.gpus) // max(1, one.gpus_per_replica))
    buckets = [_bucket(found[0], size) for found in by_time.values()]  # what the servers count comes first
    return observed(buckets, service.slo(one.name))


def _bucket(row: dict[str, Any], replicas: int) -> Bucket:
    size = row["replicas"] if row["by_engine"] else replicas
    uncached, cached, output = (row[name] / 300 / size for name in ("uncached", "cached", "output"))
    waiting, ttft, tpot = row["waiting"], row["ttft_p99_ms"], row["tpot_ms"]
    return Bucket(uncached, cached, output, waiting, ttft, tpot, row["requests"] / size)


def _row(service: Service, one: Deployment) -> dict[str, Any]:
    stored = {row["deployment"]: row for row in service.store.ask("ledger.costing", "capacities")}.get(one.name)
    given = service.config.deployments[one.name]
    typed = bool(given.s_per_mtok_uncached or given.s_per_mtok_output)
    evidence = json.loads(stored["evidence"]) if stored and not typed else {}
    shown = _observed(service, one)
    return {
        "deployment": one.name, "grade": one.grade, "s_per_uncached": one.s_per_uncached,
        "s_per_cached": one.s_per_cached, "s_per_output": one.s_per_output, "s_per_kv": one.s_per_kv,
        "known_from": "configuration" if typed else evidence.get("method", "nothing yet"),
        "recorded_at": stored["recorded_at"] if stored and not typed else None, "evidence": evidence,
        "observed": shown and {"grade": shown.grade, "output_tok_s": shown.theta, "buckets": shown.buckets},
    }  # fmt: skip


def _seen(shown: dict[str, Any] | None) -> str:
    return "nothing" if shown is None else f"{shown['output_tok_s']:,.1f} tok/s (grade {shown['grade']})"


def _figures(found: Fit) -> dict[str, Any]:
    return {**{f"s_per_mtok_{n}": getattr(found.capacity, n) * 1e6 for n in ("uncached", "cached", "output")},
            "s_per_kv": found.capacity.kv, "method": found.method, "error": found.error}  # fmt: skip


def _words(found: Fit) -> str:
    figures = {name: value for name, value in _figures(found).items() if name.startswith("s_per")}
    return ", ".join(f"{name} = {value:,.4g}" for name, value in figures.items())


def _tell(found: list[Point], result: Fit | None, slo: Slo, *, as_json: bool, stored: str) -> None:
    if wants_json(as_json):
        rows = [{**dataclasses.asdict(p), "share_of_max": p.share_of_max} for p in found]
        print_json({"points": rows, "fit": _figures(result) if result else None, "stored": stored})
    else:
        show.table(
            f"Within TTFT p99 {slo.ttft_p99_ms:g} ms, TPOT p90 {slo.tpot_p90_ms:g} ms",
            ["uncached>", "cached>", "output>", "tok/s>", "at rate>", "of the most>"],
            [
                [
                    *(f"{x:,.0f}" for x in p.shape), "never" if p.theta is None else f"{p.theta:,.1f}",
                    "–" if p.rate is None else f"{p.rate:g}", show.share(p.share_of_max),
                ]
                for p in found
            ],
        )  # fmt: skip
        if result:
            show.say(f"{_words(result)} ({result.method}, largest miss {result.error:.1%})")
            show.say(f"Stored for {stored}, grade A." if stored else "Not stored; --deployment NAME stores it.")
        else:
            show.say("No step keeps the objective: this box is not feasible at it.")
    if result is None:
        raise typer.Exit(1)
