"""The reconcile command: what was metered held against the bill, the difference taken apart."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from breakeven import show
from breakeven.answers import moment
from breakeven.command import Json, opened, print_json, wants_json
from ledger.costing import report
from ledger.costing.reconcile import Reconciled, reconcile
from ledger.costing.residual import CAUSES, Residual, scaled, together
from ledger.errors import ConfigError

if TYPE_CHECKING:
    from breakeven.service import Service

DAYS = 31
GROUPS = ("total", "month", "day")


def reconcile_command(
    since: Annotated[str, typer.Option(help="30d, or a date; whole UTC days.")] = f"{DAYS}d",
    until: Annotated[str, typer.Option(help="The same; a date includes that day. Default: now.")] = "",
    by: Annotated[str, typer.Option(help="total, month or day.")] = "total",
    view: Annotated[
        str,
        typer.Option(
            "--scaled",
            metavar="GROUP",
            help="Stretch metered cost by workload, team or model to the bill: a view, nothing is changed.",
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Hold what was metered against what providers bill, and name what the difference is made of.

    Causes: boundary (billed in another day), missing usage (the provider tells it, we did not meter it: aborted
    streams, lost logs), price (the bill has another), discount (one factor over the whole bill), tax, credit, fee,
    unknown. They add up to billed - metered. Exit 1 if the difference of a provider is above 2 % of its bill.
    """
    with opened() as service:
        rows, stretched = found(service, since, until, by, view)
    if wants_json(as_json):
        print_json({"rows": rows, **({"scaled": stretched} if view else {})})
    elif not rows:
        show.say(
            "No bill yet. Declare [sources.NAME] with an admin key and `breakeven sources pull`: it brings usage and "
            "costs of OpenAI, Anthropic and OpenRouter. Or `breakeven import` a FOCUS file of any provider."
        )
    else:
        _table(rows, by)
        for row in stretched:
            show.say(
                f"{row['group']}: metered {show.usd(row['metered'])}, scaled to the bill {show.usd(row['scaled'])}"
            )
    if any(row["alert"] for row in rows):
        raise typer.Exit(1)


def found(
    service: Service, since: str, until: str, by: str, view: str = ""
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return differences by provider and period, and the scaled view if one is asked for."""
    if by not in GROUPS:
        raise ConfigError(f"--by {by}: not one of {', '.join(GROUPS)}")
    now = datetime.now(UTC)
    start, end = moment(since) or now - timedelta(days=DAYS), moment(until, end=True) or now
    days = reconcile(service.store, service.prices, start, end)
    groups: dict[tuple[str, str], list[Reconciled]] = defaultdict(list)
    for one in days:
        period = {"total": "", "month": f"{one.day:%Y-%m}", "day": f"{one.day:%Y-%m-%d}"}[by]
        groups[period, one.provider].append(one)
    rows = [_row(period, provider, parts) for (period, provider), parts in sorted(groups.items())]
    if not view:
        return rows, []
    return rows, _scaled(service, view, days)


def _scaled(service: Service, view: str, days: list[Reconciled]) -> list[dict[str, Any]]:
    """Stretch the metered cost of the days that have bills, provider by provider: no bill pays for another."""
    if not days:
        return []
    spans = {(one.provider, f"{one.day:%Y-%m-%d}T00:00:00Z") for one in days}
    first, last = (datetime(d.year, d.month, d.day, tzinfo=UTC) for d in (days[0].day, days[-1].day))
    parts, _ = report.cost(service.store, by=("side", "provider", view), bucket="day", since=first,
                           until=last + timedelta(days=1))  # fmt: skip
    metered: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in parts:
        provider, cost = row.group["provider"], row.cost
        if row.group["side"] == "api" and cost is not None and (provider, row.group["bucket"]) in spans:
            metered[provider][row.group[view]] += cost
    out: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for provider, groups in metered.items():
        billed = sum((one.residual.billed for one in days if one.provider == provider), Decimal(0))
        for name, amount in (scaled(groups, billed) or {}).items():
            out[name][0] += groups[name]
            out[name][1] += amount
    return [{"group": name, "metered": own, "scaled": amount} for name, (own, amount) in sorted(out.items())]


def _row(period: str, provider: str, parts: list[Reconciled]) -> dict[str, Any]:
    whole: Residual = together([part.residual for part in parts])
    left_out: dict[str, Decimal] = defaultdict(Decimal)
    for part in parts:
        for currency, amount in part.left_out.items():
            left_out[currency] += amount
    accounts = sorted({name for part in parts for name in part.accounts.split(", ") if name})
    return {
        "period": period, "provider": provider, "accounts": accounts, "metered": whole.metered, "billed": whole.billed,
        "residual": whole.difference, "residual_share": whole.share, "coverage": whole.coverage, **whole.causes,
        "discount_factor": whole.discount_factor, "alert": whole.alert,
        "is_final": all(part.is_final for part in parts), "other_currencies": dict(left_out),
    }  # fmt: skip


def _table(rows: list[dict[str, Any]], by: str) -> None:
    shown = [cause for cause in CAUSES if any(row[cause] for row in rows)]
    show.table(
        "Metered against billed · USD · UTC days",
        [*([by] if by != "total" else []), "provider", "metered>", "billed>", "difference>", "share>",
         *(f"{cause.replace('_', ' ')}>" for cause in shown), "state"],
        [
            [
                *([row["period"]] if by != "total" else []), row["provider"], show.usd(row["metered"]),
                show.usd(row["billed"], bound=bool(row["other_currencies"])), show.usd(row["residual"]),
                show.share(row["residual_share"]), *(show.usd(row[cause]) for cause in shown),
                "final" if row["is_final"] else "provisional",
            ]
            for row in rows
        ],
        "The causes add up to the difference.",
    )  # fmt: skip
    for row in rows:
        if row["discount_factor"] is not None:
            show.say(
                f"{row['provider']}: the whole bill shows a factor of {row['discount_factor']:.4f} on list prices. "
                "It is not applied; [[prices.override]] makes your prices yours."
            )
        for currency, amount in row["other_currencies"].items():
            show.say(f"{row['provider']}: {currency} {amount:,.2f} is left out: declare its [[currency.rate]]")
