"""Commands that ask: cost, prices, sql."""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated, Any

import typer

from breakeven import costs, freesql, show
from breakeven.answers import zone_of
from breakeven.command import Json, app, opened, print_json, progress, wants_json
from ledger.costing import report, vintage
from ledger.costing.allocation import per
from ledger.costing.forecast import running
from ledger.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal
    from zoneinfo import ZoneInfo

    from ledger.prices.witness import Agreement


@app.command()
def cost(
    by: Annotated[str, typer.Option(help=f"Group by, separated by commas: {', '.join(report.DIMENSIONS)}.")] = "side",
    since: Annotated[
        str,
        typer.Option(help="30d, 12h, a date or an instant with zone; from this hour on. Default: everything."),
    ] = "",
    until: Annotated[str, typer.Option(help="The same; up to but without this hour. A date includes that day.")] = "",
    bucket: Annotated[str, typer.Option(help="hour, day or month of the time zone.")] = "",
    timezone: Annotated[str, typer.Option(help="Whose days and months: UTC, Europe/Berlin, Asia/Kolkata, …")] = "UTC",
    basis: Annotated[
        str,
        typer.Option(help="allocation: everything paid, the one to hold against an API price. usage: work only."),
    ] = "allocation",
    prices: Annotated[
        str,
        typer.Option(help="booked: in force at the event. current: everything at today's. as-of:DATE: at that day's."),
    ] = "booked",
    against: Annotated[str, typer.Option(help="Other prices to hold beside them, such as booked.")] = "",
    only: Annotated[
        list[str] | None,
        typer.Option(help="DIMENSION=VALUE[,VALUE], may be repeated; money of no single one is left out."),
    ] = None,
    side: Annotated[str, typer.Option(help="Only this side: api or self_hosted.")] = "",
    workload: Annotated[str, typer.Option(help="Only this workload.")] = "",
    top: Annotated[int, typer.Option(min=0, help="Only the first rows; the total is of all.")] = 0,
    as_json: Json = False,
) -> None:
    """Show what requests cost: by anything, over any time, at the prices of the day or of another one.

    JSON: {"prices", "basis", "rows": [{group…, "requests", "successful_requests", "total_input", "output", "cost",
    "cost_per_request", "cost_per_mtok", "unpriced_tokens", "shares", …}], "total": {the same}, "count", "next"}.
    Money is text in USD, unknown is null.
    """
    given = costs.only(
        [*(only or []), *([f"side={side}"] if side else []), *([f"workload={workload}"] if workload else [])]
    )
    asked = costs.CostQuestion(
        [name.strip() for name in by.split(",") if name.strip()], since, until, bucket, timezone, basis, prices,
        against, given, limit=top,
    )  # fmt: skip
    with opened() as service:
        service.tick()
        with progress() as bar:
            task = bar.add_task("prices of another day", total=1, visible=False)
            found = costs.ask(
                service, asked, lambda done, total: bar.update(task, completed=done, total=total, visible=True)
            )
    if wants_json(as_json):
        print_json(found.json())
        return
    if not found.rows:
        show.say(
            "Nothing here yet. `breakeven import FILE` brings in a request log; `breakeven demo` shows how it looks."
        )
        return
    zone = zone_of(timezone)
    open_ = running(found.rows, bucket, zone, found.now)
    _cost_table(found, zone)
    if open_:
        rest = f"at this rate {show.usd(open_.at_this_rate)} in the end"
        show.say(f"The running {bucket} is at {show.usd(open_.spent)}: {rest}.")


def _local(start: str, bucket: str, zone: ZoneInfo) -> str:
    """Return the start of a bucket as people of the zone write it."""
    words = {"hour": "%Y-%m-%d %H:%M", "day": "%Y-%m-%d", "month": "%Y-%m"}
    return datetime.fromisoformat(start).astimezone(zone).strftime(words[bucket])


def _cost_table(found: costs.CostAnswer, zone: ZoneInfo) -> None:
    asked = found.question
    rows, groups = found.rows[: asked.limit or None], list(found.rows[0].group)
    figures = {**_FIGURES, **(_compared(found) if asked.against else {})}
    texts = {title: [text(row) for row in [*rows, found.total]] for title, text in figures.items()}
    shown = [title for title, column in texts.items() if title == "cost>" or set(column) - {"–", "0"}]
    heads = [
        [_local(v, asked.bucket, zone) if name == "bucket" else v or "–" for name, v in row.group.items()]
        for row in rows
    ]
    heads.append(["total", *[""] * (len(groups) - 1)][: len(groups)])
    left = len(found.rows) - len(rows)
    show.table(
        f"Cost · {asked.basis} basis · {asked.prices} prices · USD · {zone.key}",
        [*groups, *shown],
        [[*heads[n], *(texts[title][n] for title in shown)] for n in range(len(heads))],
        "per 1k successful requests, per 1M tokens · ≥ lower bound: some tokens have no price · "
        "– no single workload: idle GPUs, overheads"
        + (" · reported: known from usage reports of the provider only" if "of it reported>" in shown else "")
        + (f" · {show.several(left, 'row')} more in the total" if left else ""),
    )
    _known(found.total)


def _compared(found: costs.CostAnswer) -> dict[str, Callable[[report.Cost], str]]:
    """Return the columns of the other prices."""

    def beside(row: report.Cost) -> report.Cost | None:
        return found.other_total if row is found.total else found.other(row)

    def difference(row: report.Cost) -> str:
        other = beside(row)
        if other is None or other.cost is None or row.cost is None:
            return show.UNKNOWN
        return show.usd(row.cost - other.cost)

    return {
        f"at {found.question.against}>": lambda row: show.usd(other.cost) if (other := beside(row)) else show.UNKNOWN,
        "difference>": difference,
    }


def _known(total: report.Cost) -> None:
    """Say how the money is known, where it is not all measured."""
    parts = total.shares
    words = {
        "measured": "measured", "reported": "told by providers", "declared": "declared by you", "unknown":
        "GPU time about which nothing is known",
    }  # fmt: skip
    told = [f"{show.share(parts[name])} {text}" for name, text in words.items() if parts[name]]
    if parts["approximate"]:
        told.append(f"{show.share(parts['approximate'])} approximate")
    if parts["unpriced_tokens"]:
        told.append(f"{show.share(parts['unpriced_tokens'])} of the tokens without a price")
    if told and parts["measured"] != 1:
        show.say(f"Of the money: {', '.join(told)}.")


def _money(amount: Decimal | None, row: report.Cost, absent: str = "–") -> str:
    return absent if amount is None else show.usd(amount, bound=bool(row.unpriced_tokens or row.no_usage))


def _used(row: report.Cost) -> str:
    """Return the unit cost of the work alone, where something else than work is in the cost."""
    if row.usage_cost is None or row.per_request is None or row.usage_cost == row.cost:
        return "–"
    return _money(per(row.usage_cost * 1000, row.successful_requests or 0), row)


def _failed(row: report.Cost) -> int | None:
    """Return logical requests without a success."""
    return None if row.requests is None or row.successful_requests is None else row.requests - row.successful_requests


_FIGURES: dict[str, Callable[[report.Cost], str]] = {
    "requests>": lambda row: show.count(row.requests),
    "failed>": lambda row: show.count(_failed(row)),
    "input>": lambda row: show.compact(row.total_input),
    "output>": lambda row: show.compact(row.output),
    "cost>": lambda row: _money(row.cost, row, show.UNKNOWN),
    "per 1k>": lambda row: _money(row.per_request and row.per_request * 1000, row),
    "used per 1k>": _used,
    "per 1M tok>": lambda row: _money(row.per_mtok, row),
    "unpriced>": lambda row: show.compact(row.unpriced_tokens),
    "of it reported>": lambda row: show.usd(row.reported_cost) if row.reported_cost else "–",
}
"""Columns of the cost table; one in which nothing stands is left out."""


prices_app = typer.Typer(help="The price book: what tokens cost when.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(prices_app, name="prices")


@prices_app.command("list")
def prices_list(
    provider: Annotated[str, typer.Option(help="One provider.")] = "",
    model: Annotated[str, typer.Option(help="Part of a model's name.")] = "",
    as_json: Json = False,
) -> None:
    """List price rows, USD per million tokens."""
    with opened() as service:
        service.prices.refresh(datetime.now(UTC))
        rows = service.store.ask("breakeven", "price_list", provider=provider, model=model)
    if wants_json(as_json):
        print_json({"rows": rows})
        return
    show.table(
        "Prices · USD per million tokens",
        ["provider", "model", "variant", "above>", "from", "input>", "cache read>", "write>", "output>", "source"],
        [
            [
                r["provider"], r["model"], r["variant"], show.count(r["tier_start"]), f"{r['valid_from']:%Y-%m-%d}",
                *(
                    show.usd(r[f"{c}_per_mtok"]) if r[f"{c}_per_mtok"] is not None else "unpriced"
                    for c in ("input_fresh", "cache_read", "cache_write_short", "output")
                ),
                r["source"],
            ]
            for r in rows
        ],
        show.several(len(rows), "row") + ("; the first 500" if len(rows) == 500 else ""),
    )  # fmt: skip


@prices_app.command("check")
def prices_check(as_json: Json = False) -> None:
    """Name models used without a price, and prices used in the last 30 days that are disputed or break the usual order.

    A price is disputed when a second source differs by more than 1 %: a price map of yours (`[prices] second`), unit
    prices of bills, or costs that a gateway reports. Exit 1 if there is anything. Compare with the provider's list,
    then set [[prices.override]].
    JSON: {"rows": [unpriced models], "findings": [prices out of order], "prices": [{"provider", "model", "variant",
    "source", "standing": user | agreed | disputed | single, "opinions"}], "book": {"version", "age_days"}}.
    """
    with opened() as service:
        service.tick()
        rows = service.store.ask("breakeven", "unpriced_models")
        since = datetime.now(UTC) - timedelta(days=30)
        findings = service.store.ask("breakeven", "price_findings", since=since)
        prices, book = service.agreements(since), service.prices.book(datetime.now(UTC))
    if wants_json(as_json):
        print_json({"rows": rows, "findings": findings, "prices": [_agreement(one) for one in prices], "book": book})
    else:
        _unpriced(rows)
        _agreements(prices, book)
        for one in findings:
            show.say(f"{one['provider']}/{one['model']} {one['variant']} ({one['source']}): {one['finding']}")
        if not findings:
            show.say(
                "Prices in use keep the usual order: cache read, input, cache write; input, output; batch, standard."
            )
    if rows or findings or any(one.standing == "disputed" for one in prices):
        raise typer.Exit(1)


def _agreement(one: Agreement) -> dict[str, Any]:
    opinions = [{**dataclasses.asdict(o), "difference": o.difference, "agrees": o.agrees} for o in one.opinions]
    return {**dataclasses.asdict(one), "opinions": opinions}


def _agreements(prices: list[Agreement], book: dict[str, Any]) -> None:
    counts = Counter(one.standing for one in prices)
    said = ", ".join(f"{counts[name]} {words}" for name, words in _STANDINGS.items() if counts[name])
    show.say(f"Prices in use, last 30 days: {said or 'none'}. Book: genai-prices {book['version']}, "
             f"loaded {book['age_days'] or 0} days ago.")  # fmt: skip
    for one in prices:
        for o in one.opinions:
            if one.standing == "disputed" and not o.agrees:
                unit = "" if not o.token_class else " per 1M"
                scale = 1 if not o.token_class else 10**6
                show.say(
                    f"{one.provider}/{one.model} {one.variant} {o.token_class or 'calls'}: {o.says} "
                    f"{show.usd(o.other * scale)}{unit}, book {show.usd(o.book * scale)}{unit} ({o.difference:+.1%})"
                )


_STANDINGS = {
    "user": "set by you", "agreed": "agreed by a second source", "disputed": "disputed",
    "single": "known from one source only",
}  # fmt: skip


def _unpriced(rows: list[dict[str, Any]]) -> None:
    if not rows:
        show.say("Every model that was used has a price.")
        return
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
    )  # fmt: skip


@prices_app.command("apply")
def prices_apply(as_json: Json = False) -> None:
    """Price attempts that had no price, from what is known now. What was priced before does not move."""
    with opened() as service:
        filled = service.prices.apply(datetime.now(UTC))
        service.tick()
    if wants_json(as_json):
        print_json({"priced": filled})
    else:
        show.say(f"{filled:,} attempts got a price.")


@prices_app.command("vintages")
def prices_vintages(
    drop: Annotated[str, typer.Option(metavar="NAME", help="Remove one, such as as-of:2026-03-31.")] = "",
    as_json: Json = False,
) -> None:
    """List the prices of other days that history was worked out at; `breakeven cost --prices as-of:DATE` makes one.

    JSON: {"rows": [{"vintage", "priced_at", "made", "rows", "first", "last"}]}.
    """
    with opened() as service:
        if drop:
            vintage.drop(service.store, drop)
        rows = service.vintages()
    if wants_json(as_json):
        print_json({"rows": rows})
    elif not rows:
        show.say("None yet: `breakeven cost --prices current --against booked` holds history at today's prices.")
    else:
        show.table(
            "Vintages: history at the prices of another day",
            ["vintage", "prices from", "made", "rows>", "first hour", "last hour"],
            [
                [r["vintage"], r["priced_at"], r["made"], show.count(r["rows"]), show.when(r["first"]),
                 show.when(r["last"])]
                for r in rows
            ],
        )  # fmt: skip


@app.command()
def sql(
    statement: Annotated[
        str,
        typer.Argument(help="One SELECT over the views that docs/sql.md describes; - reads it from stdin."),
    ],
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="Value of a {name:Type} place.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="table, json, csv, parquet or arrow.")] = "table",
    out: Annotated[Path | None, typer.Option(help="File to write; parquet and arrow need one.")] = None,
    as_json: Json = False,
) -> None:
    """Run a read-only SELECT against the documented views, at most 100,000 rows, 50 MB and 30 s.

    `breakeven sql "SELECT name FROM system.tables WHERE name LIKE 'v_%'"` lists the views.
    """
    form = "json" if wants_json(as_json) else form
    if form != "table" and form not in freesql.FORMS:
        raise ConfigError(f"--format {form}: not one of table, {', '.join(freesql.FORMS)}")
    if form in ("parquet", "arrow") and out is None:
        raise ConfigError(f"--format {form} is not for a screen: name a file with --out")
    text = sys.stdin.read() if statement == "-" else statement
    given = freesql.values(param or [])
    with opened() as service:
        if form == "table" and out is None:
            names, rows = service.store.read(text, given)
            show.result(names, [["–" if v is None else str(show.plain(v)) for v in row] for row in rows])
            return
        answer = freesql.answer(service.store, freesql.Question(text, given, "json" if form == "table" else form))
    if out is None:
        typer.echo(answer.decode(), nl=form == "json")
    else:
        out.write_bytes(answer)
        show.say(f"Wrote {out}, {len(answer):,} bytes.")
