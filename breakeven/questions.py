"""Commands that ask: cost, prices, sql."""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from breakeven import show
from breakeven.answers import cost_answer, moment, zone_of
from breakeven.command import Json, app, opened, print_json, wants_json
from ledger.costing import report
from ledger.costing.allocation import per
from ledger.costing.forecast import running

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
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
    side: Annotated[str, typer.Option(help="Only this side: api or self_hosted.")] = "",
    workload: Annotated[str, typer.Option(help="Only this workload; money of no single one is left out.")] = "",
    as_json: Json = False,
) -> None:
    """Show what requests cost, at the prices in force when they were made.

    JSON: {"rows": [{group…, "requests", "successful_requests", "total_input", "output", "cost", "cost_per_request",
    "cost_per_mtok", "unpriced_tokens"}], "total": {the same}}. Money is text in USD, unknown is null.
    """
    names, zone = [name.strip() for name in by.split(",") if name.strip()], zone_of(timezone)
    with opened() as service:
        service.tick()
        rows, total = report.cost(
            service.store,
            by=names,
            since=moment(since, zone=zone),
            until=moment(until, end=True, zone=zone),
            bucket=bucket,
            basis=basis,
            zone=zone,
            side=side,
            workload=workload,
        )
    if wants_json(as_json):
        print_json(cost_answer(rows, total, bucket, zone, datetime.now(UTC)))
        return
    if not rows:
        show.say(
            "Nothing here yet. `breakeven import FILE` brings in a request log; `breakeven demo` shows how it looks."
        )
        return
    open_ = running(rows, bucket, zone, datetime.now(UTC))
    for row in rows:
        if bucket:
            row.group["bucket"] = _local(row.group["bucket"], bucket, zone)
    _cost_table(rows, total, f"{basis} basis · booked prices · USD · {zone.key}")
    if open_:
        rest = f"at this rate {show.usd(open_.at_this_rate)} in the end"
        show.say(f"The running {bucket} is at {show.usd(open_.spent)}: {rest}.")


def _local(start: str, bucket: str, zone: ZoneInfo) -> str:
    """Return the start of a bucket as people of the zone write it."""
    words = {"hour": "%Y-%m-%d %H:%M", "day": "%Y-%m-%d", "month": "%Y-%m"}
    return datetime.fromisoformat(start).astimezone(zone).strftime(words[bucket])


def _cost_table(rows: Sequence[report.Cost], total: report.Cost, scope: str) -> None:
    groups = list(rows[0].group)
    texts = {title: [text(row) for row in [*rows, total]] for title, text in _FIGURES.items()}
    shown = [title for title, column in texts.items() if title == "cost>" or set(column) - {"–", "0"}]
    heads = [[row.group[name] or "–" for name in groups] for row in rows]
    heads.append(["total", *[""] * (len(groups) - 1)][: len(groups)])
    show.table(
        f"Cost · {scope}",
        [*groups, *shown],
        [[*heads[n], *(texts[title][n] for title in shown)] for n in range(len(heads))],
        "per 1k successful requests, per 1M tokens · ≥ lower bound: some tokens have no price · "
        "– no single workload: idle GPUs, overheads"
        + (" · reported: known from usage reports of the provider only" if "of it reported>" in shown else ""),
    )


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


@app.command()
def sql(
    statement: Annotated[
        str,
        typer.Argument(
            help="One SELECT over v_requests, v_usage_hourly, v_cost_hourly, v_cost_daily, v_gpu_hourly, v_verdicts, "
            "v_prices."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Run a read-only SELECT against the documented views, at most 100,000 rows and 30 s."""
    with opened() as service:
        names, rows = service.store.read(statement)
    if wants_json(as_json):
        print_json({"columns": names, "rows": [list(row) for row in rows]})
    else:
        show.result(names, [["–" if v is None else str(show.plain(v)) for v in row] for row in rows])
