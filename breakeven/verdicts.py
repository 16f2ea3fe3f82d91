"""Commands about the decision: verdict, its explanation and answers to it, backtest, what-if."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from breakeven import said, show
from breakeven.answers import moment, verdict_rows
from breakeven.command import Json, opened, print_json, wants_json
from ledger.errors import ConfigError
from ledger.verdict.whatif import Change

if TYPE_CHECKING:
    from breakeven.service import Service
    from ledger.verdict.judge import Judgement
    from ledger.verdict.remember import Realised


def verdict_command(
    workload: Annotated[str, typer.Argument(help="One workload; else all.")] = "",
    explain: Annotated[bool, typer.Option("--explain", help="Show what it stands on, in words and figures.")] = False,
    as_of: Annotated[str, typer.Option("--as-of", help="As of a day or instant; nothing is stored.")] = "",
    acknowledge: Annotated[
        bool, typer.Option("--acknowledge", help="Accept what is recommended; its forecast is kept and scored.")
    ] = False,
    switched: Annotated[str, typer.Option("--switched", metavar="DATE", help="Say that the traffic moved then.")] = "",
    as_json: Json = False,
) -> None:
    """Say for each declared workload where it would cost less: api, self_hosted, or hybrid with how many replicas.

    A verdict looks at the last 28 complete days at current prices. Advice remembers: insufficient, steady, watch,
    recommend (sure over whole weeks, staying has cost half a round trip, it pays back in time, policy allows it),
    acknowledged, clear.
    """
    with opened() as service:
        if acknowledge or switched:
            _answer(service, workload, acknowledge=acknowledge, switched=switched)
        service.tick()
        given = moment(as_of)
        rows = service.judged(workload, given) if given else _evaluated(service, workload, explain)
        if wants_json(as_json):
            print_json({"rows": rows})
        else:
            verdicts_table(rows)
            _shared(service.shared(rows))
            for row in rows if explain else []:
                _explain(row, service.realised(row["workload"]))


def _shared(rows: list[dict[str, Any]]) -> None:
    """Print own deployments that several verdicts want, and who goes first where they do not all fit."""
    for row in rows:
        order = ", ".join(f"{s['workload']} {s['served']:.2f}" for s in row["served"])
        show.say(f"{row['deployment']}: verdicts want {row['wanted']} replicas together, {row['replicas']} are there; "
                 f"by API money displaced, mean load served: {order}")  # fmt: skip


def _evaluated(service: Service, workload: str, explain: bool) -> list[dict[str, Any]]:
    service.evaluate()
    return service.judged(workload) if explain else verdict_rows(service, workload)


def _answer(service: Service, workload: str, *, acknowledge: bool, switched: str) -> None:
    if workload not in service.config.workloads:
        raise ConfigError(
            f"{workload or 'verdict'}: name one workload: {', '.join(service.config.workloads) or 'none'}"
        )
    try:
        if acknowledge:
            service.accept(workload)
        else:
            service.moved(workload, date.fromisoformat(switched))
    except ValueError as error:
        raise ConfigError(f"{workload}: {error}") from None


def verdicts_table(rows: list[dict[str, Any]]) -> None:
    """Print verdicts, each with its reason."""
    if not rows:
        show.say(
            "No workload is declared. `breakeven init` writes a configuration with [workloads.NAME] "
            "and [deployments.NAME]."
        )
        return
    rows = sorted(rows, key=lambda r: str(r["workload"]))
    show.table(
        "Verdicts · last 28 complete days · current prices · USD per 720 h",
        ["workload", "now", "verdict", "API>", "best>", "saving>", "advice"],
        [
            [
                row["workload"], row["current"] or "–", said.label(row), show.usd(row["api_usd_month"]),
                show.usd(row["candidate_usd_month"]), show.usd(row["saving_usd_month"]), _state(row),
            ]
            for row in rows
        ],
        "Why and how sure: breakeven verdict WORKLOAD --explain",
    )  # fmt: skip
    for row in rows:
        flip = f" ({row['flips_at']})" if row["flips_at"] else ""
        show.say(f"{row['workload']}: {row['reason']}{flip}")


def _state(row: dict[str, Any]) -> str:
    advice = row["details"].get("advice")
    return str(advice["state"]) if advice else "–"


def _explain(row: dict[str, Any], score: Realised | None) -> None:
    """Print what a verdict stands on: sentences first, figures after."""
    details, facts = row["details"], row["details"]["facts"]
    show.say("")
    for line in said.sentences(row, score):
        show.say(line)
    show.table(
        f"Options · {facts['days']} complete days, coverage {show.share(facts['coverage'])}, priced "
        f"{show.share(facts['priced_share'])}, {facts['successful_requests']:,} successful requests",
        ["option", "way", "own replicas>", "a month>", "per 1k>", "saves>", "grade", "notes"],
        [
            [
                o["option"], o["label"], str(o["replicas"] or "–"), show.usd(o["usd_month"]), show.usd(o["usd_per_1k"]),
                show.usd(o["saving_usd_month"]), o["grade"] or "–",
                "; ".join(filter(None, [*o["notes"], o["barred_by"]])),
            ]
            for o in sorted(details["options"], key=lambda o: (o["usd_month"] is None, o["usd_month"] or 0))
        ],
    )  # fmt: skip
    for line in said.figures(details):
        show.say(f"  {line}")


def backtest_command(
    workload: Annotated[str, typer.Argument(help="One workload; else all.")] = "",
    as_json: Json = False,
) -> None:
    """Follow history through the advice: what it would have cost, against staying and against hindsight.

    Out of sample: replicas are chosen on 28 past days and paid in the week after them. Prices are today's, so that only
    the traffic is uncertain. Needs more than 28 complete days.
    """
    with opened() as service:
        service.tick()
        found = service.backtests(workload)
    rows: list[dict[str, Any]] = [
        {
            "workload": name, "deployment": one.deployment, "days": days, "cost": one.followed.cost,
            "stayed": one.followed.stayed, "hindsight": one.followed.clairvoyant, "ratio": one.followed.ratio,
            "switches": [dataclasses.asdict(s) for s in one.followed.switches], "replicas": one.replicas,
        }
        for name, days, ones in found for one in ones
    ]  # fmt: skip
    if wants_json(as_json):
        print_json({"rows": rows})
    elif not rows:
        show.say("Nothing to follow: a workload needs more than 28 complete days, a priced API and an own deployment.")
    else:
        show.table(
            "History followed through the advice · USD, switching in it",
            ["workload", "deployment", "days>", "as advised>", "staying>", "hindsight>", "over it>", "moves>",
             "replicas"],
            [
                [
                    r["workload"], r["deployment"], show.count(r["days"]), show.usd(r["cost"]), show.usd(r["stayed"]),
                    show.usd(r["hindsight"]), "–" if r["ratio"] is None else f"{r['ratio']:.3f}",
                    str(len(r["switches"])), ", ".join(map(str, r["replicas"])),
                ]
                for r in rows
            ],
            "Replicas: as each week would have chosen them from the four weeks before it.",
        )  # fmt: skip


def whatif_command(
    workload: Annotated[str, typer.Argument(help="Workload.")],
    gpu_price: Annotated[
        float | None, typer.Option(help="USD of a GPU-hour, as if none were paid for yet.", min=0)
    ] = None,
    api_price: Annotated[str, typer.Option(help="Factor on API prices: x0.5 is half.")] = "x1",
    volume: Annotated[str, typer.Option(help="Factor on the volume: x2 is twice.")] = "x1",
    replicas: Annotated[int | None, typer.Option(help="Price this number of own replicas.", min=0, max=1000)] = None,
    as_json: Json = False,
) -> None:
    """Judge a workload's last 28 days under another price, volume or number of replicas. Nothing is stored."""
    change = Change(gpu_price, _factor(api_price, "--api-price"), _factor(volume, "--volume"), replicas)
    with opened() as service:
        if workload not in service.config.workloads:
            raise ConfigError(
                f"{workload}: not a workload: {', '.join(service.config.workloads) or 'none is declared'}"
            )
        service.tick()
        found = service.whatif(workload, change)
    if wants_json(as_json):
        print_json(dataclasses.asdict(found))
        return
    show.table(
        f"{workload} · USD per 720 h · point costs, without bounds and memory",
        ["", "verdict", "own replicas>", "API>", "best>", "use needed>", "use given>"],
        [["as it is", *_judged(found.now)], ["as asked", *_judged(found.then)]],
    )
    show.say(f"as asked: {found.then.reason}")
    if replicas is not None:
        show.say(
            f"{replicas} replicas of {found.deployment or 'no deployment'}, the rest on the API: "
            f"{show.usd(found.fixed_month)}"
        )


def _judged(one: Judgement) -> list[str]:
    return [
        one.verdict, "–" if one.replicas is None else str(one.replicas), show.usd(one.api_month),
        show.usd(one.candidate_month), show.share(one.needed), show.share(one.own_first),
    ]  # fmt: skip


def _factor(text: str, option: str) -> float:
    try:
        value = float(text.removeprefix("x"))
    except ValueError:
        raise ConfigError(f"{option} {text}: write a factor like x2 or x0.5") from None
    if not 0 < value < 10_000:
        raise ConfigError(f"{option} {text}: a factor above 0")
    return value
