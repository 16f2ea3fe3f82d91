"""Answers in the shapes that the command line, the API and scripts share."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from collector.source import source
from ledger.costing import report
from ledger.costing.idleness import Standing
from ledger.errors import ConfigError

if TYPE_CHECKING:
    from breakeven.service import Service


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its name, UTC for none; raises ConfigError."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        raise ConfigError(f"--timezone {name}: no such zone; write one like UTC or Europe/Berlin") from None


def moment(text: str, *, end: bool = False, zone: tzinfo = UTC) -> datetime | None:
    """Return an instant of `30d`, `12h`, a date of the zone (its end with `end`) or ISO text; raises ConfigError.

    What lies before 1970 or after 2099 is taken for that edge: nothing is there.
    """
    if not text:
        return None
    units = {"h": 1, "d": 24, "w": 168}
    if text[-1] in units and text[:-1].isascii() and text[:-1].isdigit():
        hours = min(int(text[:-1]) * units[text[-1]], _MOST_HOURS) if len(text) < 9 else _MOST_HOURS
        return datetime.now(UTC) - timedelta(hours=hours)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is not a time: write 30d, 2026-11-22 or 2026-11-22T10:00Z") from None
    whole_day = len(text) == 10
    if found.tzinfo is None and not whole_day:
        raise ConfigError(f"{text} has no time zone: append Z for UTC")
    if not 1970 < found.year < 2100:
        return _FIRST if found.year <= 1970 else _LAST
    return ((found + timedelta(days=int(end))).replace(tzinfo=zone) if whole_day else found).astimezone(UTC)


_MOST_HOURS = 24 * 365 * 50
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def verdict_rows(service: Service, workload: str = "") -> list[dict[str, Any]]:
    """Return the latest verdicts, one dict a workload, details unpacked."""
    rows = service.store.ask("ledger.verdict", "latest", workload=workload)
    return [{**row, "details": json.loads(row["details"])} for row in rows]


def asked_rows(service: Service, name: str = "") -> list[dict[str, Any]]:
    """Return how each declared source is doing, one dict a stream of it."""
    rows = []
    for given in service.config.asked():
        if name in ("", given.name):
            for stream in source(given.kind).streams:
                health = service.puller.health(given.name, stream.name)
                rows.append({
                    "source": given.name, "kind": given.kind, "account": given.account, "stream": stream.name,
                    "complete_through": health.through, "last_asked": health.tried, "last_success": health.succeeded,
                    "rows": health.rows, "revised": health.revised, "error": health.error,
                })  # fmt: skip
    return rows


def fact_rows(service: Service) -> list[dict[str, Any]]:
    """Return what each source brought, one dict a kind of fact."""
    return service.store.ask("breakeven", "sources", as_of=datetime.now(UTC))


def overlap_rows(service: Service) -> list[dict[str, Any]]:
    """Return what both requests and reports of a provider told in the last 30 days, and which of them counts."""
    return service.store.ask("breakeven", "overlap", since=datetime.now(UTC) - timedelta(days=30))


def idle_answer(service: Service, hours: int, now: datetime) -> dict[str, Any]:
    """Return where the money of each pool went, how it stands with idle alerts, and GPUs that nobody pays for."""
    standings = defaultdict(lambda: Standing(""), service.standings(now))
    rows = [
        {
            "pool": one.pool, "cost": one.cost, "idle_usd_per_day": one.idle_per_day, "used_share": one.used_share,
            "unknown_share": one.unknown_share, "components": one.classes, "alert": standings[one.pool].alert,
            "held_back": standings[one.pool].held_back, "gpus": one.gpus,
        }
        for one in report.idle(service.store, now, hours)
    ]  # fmt: skip
    return {"rows": rows, "unpriced_gpus": [{"node": n, "gpu": g} for n, g in service.unpriced_gpus(now)]}
