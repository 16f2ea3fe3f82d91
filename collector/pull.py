"""Asking sources window by window: what a provider revises is replaced, what vanished is deleted, a kill resumes."""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from collector.bills import key_of, merged, placed
from collector.fields import AHEAD
from collector.intake import Intake
from collector.source import Given, PulledSource, Stream, source
from ledger.errors import BadRow, SourceBusy, SourceRefused
from ledger.records import Charge, Rejected, SourceState, UsageBucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collector.attribution import Attribution
    from collector.source import Found
    from ledger.prices.register import PriceRegister
    from ledger.store import Store

FIRST_DAYS = 31
"""How far back the first poll of a source reaches; more with `breakeven sources backfill`."""
_HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Health:
    """How a stream of a source is doing; kept in `source_state`."""

    through: datetime | None = None
    tried: datetime | None = None
    succeeded: datetime | None = None
    error: str = ""
    rows: int = 0
    revised: int = 0


@dataclass(slots=True)
class Puller:
    """Polls the configured sources into the store."""

    store: Store
    prices: PriceRegister
    attribution: Attribution
    sources: list[Given]

    def due(self, now: datetime) -> list[tuple[Given, Stream]]:
        """Return what is to be asked now."""
        out = []
        for given in self.sources:
            for stream in source(given.kind).streams:
                tried = self.health(given.name, stream.name).tried
                if tried is None or not now - timedelta(seconds=stream.poll_s) < tried <= now + AHEAD:
                    out.append((given, stream))
        return out

    def poll(
        self,
        given: Given,
        stream: Stream,
        now: datetime,
        since: datetime | None = None,
        told: Callable[[int, int], None] | None = None,
    ) -> Health:
        """Ask for every window that may have changed, or since an instant; errors are kept in the health."""
        health = self.health(given.name, stream.name)
        windows = list(_windows(stream, health, now, since))
        health.tried, health.error, health.rows, health.revised = now, "", 0, 0
        asked: PulledSource = source(given.kind)(given)
        try:
            for number, (start, end) in enumerate(windows):
                self._window(asked, stream, start, end, now, health)
                if since is None or health.through is None:
                    health.through = max(health.through or start, min(end, now))
                self._keep(given.name, stream.name, health)
                if told:
                    told(number + 1, len(windows))
            health.succeeded = now
        except (SourceRefused, SourceBusy) as error:
            health.error = str(error)
        self._keep(given.name, stream.name, health)
        return health

    def health(self, name: str, stream: str) -> Health:
        """Return how a stream is doing."""
        rows = self.store.ask("ledger.store", "cursor", source=name, name=stream)
        given = json.loads(rows[0]["value"]) if rows else {}
        through, tried, succeeded = (_instant(given.get(key)) for key in ("through", "tried", "succeeded"))
        return Health(through, tried, succeeded, given.get("error", ""), given.get("rows", 0), given.get("revised", 0))

    def _keep(self, name: str, stream: str, health: Health) -> None:
        value = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in dataclasses.asdict(health).items()}
        self.store.add([SourceState(name, stream, json.dumps(value))])

    def _window(
        self, asked: PulledSource, stream: Stream, start: datetime, end: datetime, now: datetime, health: Health
    ) -> None:
        """Fetch a window whole, then store it: rows, deletions of what is no longer told, rejected rows."""
        given = asked.given
        good: list[Any] = []
        bad: list[BadRow] = []
        for found in _told(asked, stream.name, start, end):
            if isinstance(found, BadRow):
                bad.append(found)
            elif isinstance(found, (UsageBucket, Charge)) and not start <= found.start < end:
                bad.append(BadRow("start", f"{found.start.isoformat()} is outside of the window that was asked for"))
            else:
                good.append(found)
        if stream.table == "requests":
            health.rows += self._requests(given, stream, good, now)
        elif stream.table == "gpu_samples":
            health.rows += len(good)
            self._by_month(good, lambda sample: sample.at)
        else:
            final = now - stream.final_after_h * _HOUR
            rows = [replace(row, is_final=int(_end(row) <= final)) for row in merged(good)]
            if stream.table == "usage_buckets":
                rows = placed(rows, self.prices, self.attribution, now)
            health.rows += len(rows)
            health.revised += self._replace(given, stream, rows, start, end)
        if bad:
            origin = f"{stream.name} {start:%Y-%m-%dT%H}"
            self.store.add([Rejected(now, given.name, origin, n, b.field, b.reason, "") for n, b in enumerate(bad, 1)])

    def _requests(self, given: Given, stream: Stream, rows: list[Any], now: datetime) -> int:
        intake = Intake(self.store, self.prices, self.attribution, f"{given.name} {stream.name}", now)
        for row in rows:
            intake.take(row)
        return intake.finish().accepted

    def _by_month(self, rows: list[Any], when: Callable[[Any], datetime]) -> None:
        """Store rows, those of one month together: an insert is one partition."""
        months: dict[tuple[int, int], list[Any]] = defaultdict(list)
        for row in rows:
            months[when(row).year, when(row).month].append(row)
        for part in months.values():
            self.store.add(part)

    def _replace(self, given: Given, stream: Stream, rows: list[Any], start: datetime, end: datetime) -> int:
        """Store what is new or revised in a window and delete what is no longer told; return how much was revised."""
        stored = self.store.ask(
            "collector", f"stored_{stream.table}", source=given.name, account=given.account,
            **{"from": start, "to": end},
        )  # fmt: skip
        cls = UsageBucket if stream.table == "usage_buckets" else Charge
        before = {key_of(row): row for row in (cls(**one) for one in stored)}
        told = {key_of(row) for row in rows}
        changed = [row for row in rows if before.get(key_of(row)) != row]
        gone = [replace(row, is_deleted=1) for key, row in before.items() if key not in told]
        self._by_month([*changed, *gone], lambda row: row.start)
        known = [(before[key_of(row)], row) for row in changed if key_of(row) in before]
        return len(gone) + sum(1 for old, row in known if replace(old, is_final=row.is_final) != row)


def _told(asked: PulledSource, stream: str, start: datetime, end: datetime) -> Iterator[Found]:
    """Yield what a source tells; an answer of another form than agreed is a refusal, not a crash of all sources."""
    try:
        yield from asked.poll(stream, start, end)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceRefused(f"{asked.given.name}: {stream}: the answer has an unexpected form: {error!r}") from error


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _end(row: Any) -> datetime:
    return row.end if isinstance(row, Charge) else row.start + timedelta(seconds=row.width_s)


def _floor(instant: datetime, hours: int) -> datetime:
    """Return the UTC day, or the hour, that an instant is in."""
    utc = instant.astimezone(UTC)
    return utc.replace(hour=0 if hours >= 24 else utc.hour, minute=0, second=0, microsecond=0)


def _windows(
    stream: Stream, health: Health, now: datetime, since: datetime | None
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the windows to ask for: whole UTC days, or from the hour.

    They begin where the stream is complete or may be revised.
    """
    first = health.through or now - timedelta(days=FIRST_DAYS)
    start = _floor(since or min(first, now - stream.restate_h * _HOUR), stream.floor_h)
    last = _floor(now, stream.floor_h) + stream.floor_h * _HOUR
    while start < last:
        end = min(start + stream.step_h * _HOUR, last)
        yield start, end
        start = end
